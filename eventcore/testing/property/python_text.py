"""A case as Python: a test that can be pasted into a file."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Callable, Collection, Mapping
from enum import Enum
from typing import Any, Final, cast

import attrs

from eventcore.codec import EventCodec
from eventcore.ids import StreamId, state_of
from eventcore.stores.memory import InMemoryEventStore
from eventcore.testing.property.case import Case, merged
from eventcore.testing.stream_events import StreamEvents

_WIDE: Final = 100
_WRITTEN: Final[dict[type, Callable[[Any], str]]] = {str: str.__repr__, int: int.__repr__, float: float.__repr__}
_MOMENTS: Final = re.compile(r"\b(date|datetime|time|timedelta|timezone)[(.]")


class Writer:
    """Writes values as Python, and knows what they have to import."""

    def __init__(self) -> None:
        self._imports: dict[str, set[str]] = {}

    def test_of(self, case: Case, *, seed: int | None, store: object, codec: EventCodec | None) -> str:
        """Return a test that does what *case* does, with a *seed* all commands at once. *store* and *codec* are those of `check_command`."""
        name = type(case.command).__name__
        self._use("eventcore.testing", "Scenario")
        parameters, body = self._scenario(store, codec)
        history = [self.happening(each) for each in merged(case.history)]
        if history:
            body.append(self._call("scenario.given", history))
        command = self.value(case.command)
        if seed is not None:
            together = [command, *map(self.value, case.others), f"seed={seed}"]
            body.append(f"{self._call('scenario.when_together', together)}.then_in_some_order()")
        else:
            body.append(f"scenario.when({command}).then_nothing()  # or what it should do")
        lines = "\n".join(f"    {line}" for statement in body for line in statement.splitlines())
        return f"{self._import_lines()}\n\n\ndef test_{_snake(name)}({parameters}) -> None:\n{lines}"

    def _scenario(self, store: object, codec: EventCodec | None) -> tuple[str, list[str]]:
        """Return the parameters of the test, and how it begins: on a store that has a name, or with the fixture and a word on what it has to be."""
        known = isinstance(store, type) and "<locals>" not in store.__qualname__
        if codec is None and store is InMemoryEventStore:
            return "scenario: Scenario", []
        if codec is None and known:
            self._use("eventcore", "CommandExecutor")
            return "", [f"scenario = Scenario(CommandExecutor({self._class(cast('type[object]', store))}()))"]
        parts = [*(() if store is InMemoryEventStore else ("store",)), *(() if codec is None else ("codec",))]
        return "scenario: Scenario", [f"# `executor` has to have the {' and the '.join(parts)} that check_command was given"]

    def happening(self, each: object) -> str:
        if not isinstance(each, StreamEvents):
            return self.value(each)
        call = "on_any" if state_of(each.stream_id) is None else "on"
        self._use("eventcore.testing", call)
        return f"{call}({', '.join([self.value(each.stream_id), *map(self.value, each.events)])})"

    def value(self, value: object) -> str:
        if isinstance(value, StreamId):
            return self._stream_id(cast("StreamId", value))
        if isinstance(value, Enum):
            return f"{self._class(type(value))}.{value.name}"
        if attrs.has(type(value)):
            return self._record(value)
        if dataclasses.is_dataclass(value):
            fields = [(field.name, getattr(value, field.name)) for field in dataclasses.fields(value) if field.init]
            return f"{self._class(type(value))}({', '.join(f'{name}={self.value(part)}' for name, part in fields)})"
        if isinstance(value, tuple | list | set | frozenset):
            return self._collection(cast("Collection[object]", value))
        if isinstance(value, Mapping):
            return (
                "{"
                + ", ".join(f"{self.value(key)}: {self.value(item)}" for key, item in cast("Mapping[object, object]", value).items())
                + "}"
            )
        return self._plain(value)

    def _collection(self, values: Collection[object]) -> str:
        items = ", ".join(map(self.value, values))
        match values:
            case tuple() if type(values) is not tuple:
                return f"{self._class(type(values))}({items})"
            case tuple():
                return f"({items}{',' if len(values) == 1 else ''})"
            case list():
                return f"[{items}]"
            case _:
                return f"{type(values).__name__}({f'{{{items}}}' if items else ''})"

    def _plain(self, value: object) -> str:
        module = type(value).__module__.partition(".")[0]
        if module == "builtins":
            return repr(value)
        if module == "datetime":
            text = repr(value).replace("datetime.", "")
            for name in _MOMENTS.findall(text):
                self._use(module, name)
            return text
        for base, written in _WRITTEN.items():
            if isinstance(value, base):
                return f"{self._class(type(value))}({written(value)})"
        self._use(module if module in sys.stdlib_module_names else type(value).__module__, type(value).__name__)
        return repr(value)

    def _stream_id(self, stream_id: StreamId) -> str:
        self._use("eventcore", "StreamId")
        state = state_of(stream_id)
        if state is None:
            return f"StreamId({str(stream_id)!r})"
        prefix = f"{getattr(state, '__eventcore_category__', '')}-"
        return f"StreamId.of({self._class(state)}, {str(stream_id).removeprefix(prefix)!r})"

    def _record(self, value: object) -> str:
        cls: Any = type(value)
        fields = cast("tuple[attrs.Attribute[Any], ...]", attrs.fields(cls))
        shown = [(field, self.value(getattr(value, field.name))) for field in fields if field.init]
        return f"{self._class(cls)}({', '.join(f'{field.alias}={text}' if field.kw_only else text for field, text in shown)})"

    def _call(self, function: str, arguments: list[str]) -> str:
        line = f"{function}({', '.join(arguments)})"
        return line if len(line) <= _WIDE else f"{function}(\n" + "".join(f"    {each},\n" for each in arguments) + ")"

    def _class(self, cls: type[object]) -> str:
        """Import a class, or the one that it stands in, and return how it is called then."""
        self._use(cls.__module__, cls.__qualname__.partition(".")[0])
        return cls.__qualname__

    def _use(self, module: str, name: str) -> None:
        self._imports.setdefault(module, set()).add(name)

    def _import_lines(self) -> str:
        return "\n".join(f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(self._imports.items()))


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
