"""Looking for a case that breaks a rule, and for the simplest one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from textwrap import indent
from typing import TYPE_CHECKING, Any, final

import attrs
import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis.errors import Flaky, Unsatisfiable

from eventcore.codec import EventCodec
from eventcore.execute.binding import Binder
from eventcore.store import EventStore
from eventcore.testing.property.case import Case, Cases
from eventcore.testing.property.outcome import World
from eventcore.testing.property.python_text import Writer
from eventcore.testing.property.rules import Broken, Rules

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


class _Found(AssertionError):
    """Tells Hypothesis that a case is one to make simpler."""


@final
@attrs.frozen(kw_only=True)
class Search:
    """One call of `check_command`."""

    command: type[object]
    others: tuple[type[object], ...]
    after: tuple[type[object], ...]
    strategies: Mapping[Any, SearchStrategy[Any]]
    raises: tuple[type[Exception], ...]
    store: Callable[[], EventStore]
    codec: EventCodec | None
    settings: hypothesis.settings | None

    def run(self) -> str | None:
        """Return the report on the simplest case that breaks a rule, or None where none was found."""
        codec = self.codec or EventCodec()
        binder = Binder(codec)
        cases = Cases(binder, self.command, others=self.others, after=self.after, given=dict(self.strategies))
        rules = Rules(World(self.store, codec), binder, self.raises)
        last: list[tuple[Case, Broken]] = []

        @self._settings()
        @hypothesis.given(cases.strategy())
        def examine(case: Case) -> None:
            broken = rules.broken(case)
            if broken is not None:
                # One rule is followed to its simplest case: on the way there another may break, and that would be another story.
                if last and last[-1][1].rule != broken.rule:
                    return
                last[:] = [(case, broken)]
                raise _Found

        try:
            examine()
        except (_Found, Flaky):
            case, broken = last[-1]
            return self._report(case, broken)
        except Unsatisfiable as error:
            raise cases.unmade() from error
        return None

    def _settings(self) -> hypothesis.settings:
        return hypothesis.settings(
            self.settings or hypothesis.settings.default,
            database=None,
            deadline=None,
            report_multiple_bugs=False,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
            phases=(Phase.generate, Phase.shrink),
        )

    def _report(self, case: Case, broken: Broken) -> str:
        """Say what is wrong, and show it as a test."""
        test = Writer().test_of(case, seed=broken.seed, store=self.store, codec=self.codec)
        return (
            f"{type(case.command).__qualname__} breaks the rule: {broken.rule}\n\n{indent(broken.how, '    ')}\n\n"
            f"The simplest case that was found, as a test:\n\n{indent(test, '    ')}\n"
        )
