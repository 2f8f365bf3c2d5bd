"""From a running class to its generated tables, and from their names to classes.

A command's module says where its generated sibling is; the sibling's tables say by name what belongs to the command. Classes of the command's own
module are taken from the module that runs, be it ``__main__``; all others are imported as the user's code imports them.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeVar, final

import attrs

from eventcore.annotations import is_same_class, shape_of, taken_events
from eventcore.codec import EventCodec
from eventcore.declare import CommandMarker, command_marker, event_marker, state_marker
from eventcore.errors import (
    GENERATE,
    DefinitionError,
    GeneratedCodeError,
    GeneratedCodeMissing,
    GeneratedCodeStale,
    InvalidArgument,
    NotACommand,
)
from eventcore.execute.folding import EventReader, StateFold
from eventcore.execute.snapshots import SnapshotRule, snapshot_rule
from eventcore.ids import StreamId
from eventcore.typed.spec import FORMAT, Accepts, CommandSpec, EventRef, EventType, GeneratedModule, StateRef, StreamKind, StreamSpec

T = TypeVar("T")


@final
@attrs.frozen(eq=False)
class BoundStream:
    """One stream field with its classes."""

    field: str
    kind: str
    read_only: bool
    fold: StateFold | None
    alias: object
    """`StreamId[State]`, as an id remembers it that was made with this state."""


@final
@attrs.frozen(eq=False)
class CommandPlan:
    """All that running a command class takes, looked up once."""

    name: str
    module: str
    """Where the class is imported from, also where it runs as ``__main__``."""
    marker: CommandMarker
    spec: CommandSpec[Any]
    streams: tuple[BoundStream, ...]
    accepts: tuple[Accepts, ...]
    reader: EventReader
    single: bool
    """Whether each stream field has exactly one stream."""
    discovered: tuple[str, ...]
    """The names of the `discovered()` fields."""


@final
class Binder:
    """Finds and keeps the plans of command classes and the folds of state classes: one of each, whichever thread was first."""

    def __init__(self, codec: EventCodec) -> None:
        self._codec = codec
        self._plans: dict[type[object], CommandPlan] = {}
        self._folds: dict[type[object], StateFold] = {}

    def plan(self, cls: type[object]) -> CommandPlan:
        """Return the plan of a command class. Raises `GeneratedCodeError`."""
        plan = self._plans.get(cls)
        if plan is None:
            plan = self._plans.setdefault(cls, self._bind_command(cls))
        return plan

    def fold(self, cls: type[object]) -> StateFold:
        """Return how streams fold into a state class. Raises `InvalidArgument` for any other, `GeneratedCodeError`."""
        fold = self._folds.get(cls)
        if fold is None:
            if state_marker(cls) is None:
                raise InvalidArgument(
                    f"streams fold into @state classes, and {cls.__qualname__} is none; give one, or decorate it with @state"
                )
            site = _Site.of(cls)
            spec = site.generated().states.get(cls.__qualname__)
            if spec is None:
                raise site.stale("it does not know this state")
            site.require_events(cls, spec.events)
            fold = self._folds.setdefault(cls, self._make_fold(site, cls, spec.events))
        return fold

    def _bind_command(self, cls: type[object]) -> CommandPlan:
        marker = command_marker(cls)
        if marker is None:
            raise NotACommand(cls)
        site = _Site.of(cls)
        spec = site.generated().commands.get(cls.__qualname__)
        if spec is None:
            raise site.stale("it does not know this command")
        if difference := _difference(marker, spec.streams) or _misread(site, spec.streams):
            raise site.stale(difference)
        event_types = {ref: site.event_type(ref) for stream in spec.streams for ref in stream.events}
        reader = EventReader(self._codec, cls.__qualname__, {event_type.name: event_type for event_type in event_types.values()})
        streams = tuple(self._bind_stream(site, stream) for stream in spec.streams)
        accepts = tuple({event_types[ref].cls: event_types[ref] for ref in stream.events} for stream in spec.streams)
        single = all(stream.kind == "one" for stream in streams)
        discovered = tuple(stream.field for stream in streams if stream.kind == "discovered")
        return CommandPlan(cls.__qualname__, site.name, marker, spec, streams, accepts, reader, single, discovered)

    def _bind_stream(self, site: _Site, spec: StreamSpec) -> BoundStream:
        fold = None
        if spec.state is not None:
            state = site.state_class(spec.state)
            site.require_events(state, spec.events)
            fold = self._folds.get(state)
            if fold is None:
                fold = self._folds.setdefault(state, self._make_fold(site, state, spec.events))
        alias: object = None if fold is None else StreamId[fold.state]  # type: ignore[name-defined]
        return BoundStream(spec.field, spec.kind, spec.read_only, fold, alias)

    def _make_fold(self, site: _Site, state: type[object], events: Iterable[EventRef]) -> StateFold:
        marker = state_marker(state)
        if marker is None:
            raise DefinitionError(state.__qualname__, "streams fold into @state classes; decorate it")
        types = {ref.name: site.event_type(ref) for ref in events}
        classes = [event_type.cls for event_type in types.values()]
        rule = None if marker.snapshot_every is None else self._snapshot_rule(state, marker.snapshot_every, marker.version, classes)
        return StateFold(state, EventReader(self._codec, state.__qualname__, types), ignore_unknown=marker.ignore_unknown, snapshots=rule)

    def _snapshot_rule(self, state: type[object], every: int, version: int, events: Sequence[type[object]]) -> SnapshotRule:
        home = _Site.of(state)
        spec = home.generated().states.get(state.__qualname__)
        if spec is None or not spec.fingerprint:
            raise home.stale("it has no fingerprint of this state, whose decorator says snapshot_every=")
        return snapshot_rule(state, home.name, self._codec, every=every, version=version, fingerprint=spec.fingerprint, events=events)


@final
@attrs.frozen
class _Site:
    """Where a class lives at run time, and what its module was generated into."""

    cls: type[object]
    module: ModuleType
    name: str  # the module's importable name, which differs from its run-time name when it runs as `__main__`
    is_script: bool

    @classmethod
    def of(cls, owner: type[object]) -> _Site:
        module = sys.modules.get(owner.__module__)
        if module is None:
            raise _no_file(owner)
        if owner.__module__ != "__main__":
            return cls(owner, module, owner.__module__, is_script=False)
        spec = module.__spec__
        if spec is not None:
            return cls(owner, module, spec.name, is_script=False)
        file = getattr(module, "__file__", None)
        if file is None or not Path(file).exists():
            raise _no_file(owner)
        return cls(owner, module, _module_name(Path(file).resolve()), is_script=True)

    @property
    def source(self) -> str:
        """The user's file, as short as it can be said."""
        file = getattr(self.module, "__file__", None)
        if file is None:
            return self.name
        path = Path(file)
        return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)

    @property
    def generated_name(self) -> str:
        return f"{self.name}._streams" if hasattr(self.module, "__path__") else f"{self.name}_streams"

    def generated(self) -> GeneratedModule:
        loaded = self._load()
        contents = getattr(loaded, "GENERATED", None)
        if not isinstance(contents, GeneratedModule):
            raise self.stale("it holds no tables; is it a file of your own under the name of a generated one?")
        if contents.format != FORMAT:
            raise self.stale(f"it has format {contents.format}, this version of eventcore reads format {FORMAT}")
        if contents.source != self.name:
            raise self.stale(
                f"it was generated from the module {contents.source!r}, this is {self.name!r}{self._other_name(contents.source)}"
            )
        return contents

    def stale(self, difference: str) -> GeneratedCodeStale:
        return GeneratedCodeStale(self.cls.__qualname__, self.generated_name, self.source, difference)

    def _other_name(self, generated_from: str) -> str:
        """Say what is to be done where the generator would give the module the same name once more."""
        file = getattr(self.module, "__file__", None)
        if file is None or _module_name(Path(file)) != generated_from:
            return ""
        if not self.name.endswith(f".{generated_from}"):
            return f"; import it as {generated_from!r}"
        package = self.name.removesuffix(f".{generated_from}").replace(".", "/")
        return f", because {package} has no __init__.py; add that, or import the module as {generated_from!r}"

    def _load(self) -> ModuleType:
        if self.is_script:
            return self._load_beside()
        try:
            return importlib.import_module(self.generated_name)
        except ModuleNotFoundError as error:
            if error.name == self.generated_name:
                raise GeneratedCodeMissing(self.cls.__qualname__, self.generated_name, self.source) from error
            raise

    # A script's package is not imported for it: its `__init__` may import the script's module once more, under its other name.
    def _load_beside(self) -> ModuleType:
        name = f"__main__ {self.generated_name}"
        if name in sys.modules:
            return sys.modules[name]
        path = Path(str(self.module.__file__)).resolve()
        beside = path.with_name("_streams.py" if path.name == "__init__.py" else f"{path.stem}_streams.py")
        spec = importlib.util.spec_from_file_location(name, beside)
        if spec is None or spec.loader is None or not beside.exists():
            raise GeneratedCodeMissing(self.cls.__qualname__, self.generated_name, self.source)
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
        sys.modules[name] = loaded
        return loaded

    def event_type(self, ref: EventRef) -> EventType:
        cls = self._find(ref.module, ref.qualname)
        marker = event_marker(cls)
        if marker is None:
            raise self.stale(f"{ref.qualname} of {ref.module} is no @event")
        if (marker.name, marker.version) != (ref.name, ref.version):
            raise self.stale(
                f"{ref.qualname} is stored as {marker.name!r} in version {marker.version}, it says {ref.name!r} in version {ref.version}"
            )
        return EventType(ref.name, ref.version, cls)

    def require_events(self, state: type[object], refs: Iterable[EventRef]) -> None:
        """Refuse a table of other events than `apply` takes now. What it lacks, a state that ignores what is unknown would never be given."""
        taken = taken_events(state)
        if not taken or any(event_marker(cls) is None for cls in taken):
            return
        known = [self._find(ref.module, ref.qualname) for ref in refs]
        for cls in taken:
            if not any(is_same_class(cls, other) for other in known):
                raise self.stale(f"`apply` of {state.__qualname__} takes {cls.__qualname__}, which it does not know")
        for cls in known:
            if not any(is_same_class(cls, other) for other in taken):
                raise self.stale(f"it knows {cls.__qualname__}, which `apply` of {state.__qualname__} does not take")

    def state_class(self, ref: StateRef) -> type[object]:
        return self._find(ref.module, ref.qualname)

    def _find(self, module_name: str, qualname: str) -> type[object]:
        module = self.module if module_name == self.name else importlib.import_module(module_name)
        found: object = module
        for part in qualname.split("."):
            found = getattr(found, part, None)
        if not isinstance(found, type):
            raise self.stale(f"there is no class {qualname} in {module_name}")
        return found


def _no_file(owner: type[object]) -> GeneratedCodeError:
    return GeneratedCodeError(
        f"{owner.__qualname__} was not defined in a module that can be imported, and `{GENERATE}` reads files; put it into one, "
        "run that on it, and import it from there"
    )


_KINDS: Final[Mapping[bool, frozenset[str]]] = {True: frozenset({"discovered"}), False: frozenset({"one", "optional", "many"})}


def _difference(marker: CommandMarker, specs: tuple[StreamSpec, ...]) -> str | None:
    """Say how a command's markers and its generated table differ, as far as markers tell."""
    declared = [name for name, _ in marker.streams]
    generated = [spec.field for spec in specs]
    if declared != generated:
        return f"the class declares the streams {', '.join(declared)}, it knows {', '.join(generated)}"
    for (name, stream), spec in zip(marker.streams, specs, strict=True):
        if stream.read_only != spec.read_only:
            return f"{name!r} is {'read-only' if stream.read_only else 'writable'} in the class"
        if spec.kind not in _KINDS[stream.discovered] or stream.has_events != (spec.state is None):
            return f"{name!r} is declared in another way in the class"
    return None


def _misread(site: _Site, specs: tuple[StreamSpec, ...]) -> str | None:
    """Say where an annotation is no longer what the table was generated from, as far as annotations can be looked up."""
    for spec in specs:
        shape = shape_of(site.cls, spec.field)
        if shape is None:
            continue
        if shape.kind != _SHAPES[spec.kind]:
            return f"{spec.field!r} is annotated as {_WORDS[shape.kind]} in the class, it knows {_WORDS[_SHAPES[spec.kind]]}"
        if shape.state is not None and spec.state is not None and not is_same_class(shape.state, site.state_class(spec.state)):
            return f"{spec.field!r} folds into {shape.state.__qualname__} in the class, it knows {spec.state.qualname}"
    return None


_SHAPES: Final[Mapping[StreamKind, str]] = {"one": "one", "optional": "optional", "many": "many", "discovered": "other"}
_WORDS: Final[Mapping[str, str]] = {
    "one": "one stream", "optional": "an optional stream", "many": "a tuple of streams", "other": "streams that are found"
}  # fmt: skip


def _module_name(file: Path) -> str:
    parts = [] if file.name == "__init__.py" else [file.stem]
    folder = file.parent
    while (folder / "__init__.py").exists():
        parts.insert(0, folder.name)
        folder = folder.parent
    return ".".join(parts)
