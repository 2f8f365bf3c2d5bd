"""Indented by tabs, without a line end at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, event, state, stream

if TYPE_CHECKING:
	from odd.tabs_streams import tabsState, tabsStreams, tabsWrites


@event("tabs.done")
class Done_tabs:
	pass


@state(category="tabs")
class Count_tabs:
	times: int = 0

	def apply(self, event: Done_tabs) -> Count_tabs:
		return Count_tabs(self.times + 1)


@command
class tabs:
	count: StreamId[Count_tabs] = stream()

	def handle(self, streams: tabsStreams, state: tabsState) -> tabsWrites:
		yield streams.count.write(Done_tabs())