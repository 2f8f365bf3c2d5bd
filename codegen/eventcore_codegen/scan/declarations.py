"""Which classes are commands, states and events, and what they say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, final

from eventcore_codegen.model import (
    LIBRARY,
    Binding,
    Body,
    ClassRef,
    Command,
    DataField,
    Event,
    ForeignAwait,
    HiddenStream,
    Kind,
    LibraryType,
    MadeId,
    Method,
    Methods,
    Outside,
    Parameter,
    PlainField,
    Problem,
    State,
    StreamField,
    Type,
    Unclear,
    UnknownType,
    parts,
    unaliased,
)
from eventcore_codegen.scan.lineage import Ancestor, Lineage
from eventcore_codegen.scan.names import AliasTarget, Failed, Names, Through
from eventcore_codegen.scan.outside import OutsideNames
from eventcore_codegen.scan.state_fields import StateFields
from eventcore_codegen.scan.stream_fields import DISCOVERED, STREAM, stream_shape
from eventcore_codegen.scan.syntax import BodySyntax, Call, ClassSyntax, Constant, Expr, Field, Name, Opaque, Subscript, Unreadable
from eventcore_codegen.scan.syntax import Method as MethodSyntax
from eventcore_codegen.scan.syntax import Parameter as ParameterSyntax
from eventcore_codegen.scan.types import Site, Types, public_name
from eventcore_codegen.scan.universe import LoadedModule, Universe

_MARKERS: Final[Mapping[str, Kind]] = {f"{LIBRARY}.event": "event", f"{LIBRARY}.state": "state", f"{LIBRARY}.command": "command"}
_FIELDS: Final = frozenset({STREAM, DISCOVERED})
_STREAM_WRITE: Final = frozenset({f"{LIBRARY}.StreamWrite", f"{LIBRARY}.typed.StreamWrite"})
_STREAM_ID: Final = f"{LIBRARY}.StreamId"
_METHODS: Final = ("handle", "initial", "apply")
_WORD_START: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
"""Where the snake_case of a class name has its underscores; `@state` names a category by the same rule."""
_BINDINGS: Final[Mapping[str, Binding]] = {
    "builtins.staticmethod": "nothing",
    "builtins.classmethod": "class",
    "builtins.property": "other",
    "functools.cached_property": "other",
    "functools.partialmethod": "other",
    "functools.singledispatchmethod": "other",
}
"""How a method is called with one of these decorators."""


@final
class Declarations:
    def __init__(self, universe: Universe) -> None:
        names = self._names = Names(universe)
        self._outside = OutsideNames(universe)
        self._through: list[Through] = []
        self._unclear: list[tuple[LoadedModule, Unclear]] = []
        self._types = Types(names, self.kind_of, self._through.append)
        self._lineage = Lineage(names)
        self._state_fields = StateFields(self._library_name)
        self._kinds: dict[ClassSyntax, Kind] = {}
        self._places: dict[ClassRef, tuple[LoadedModule, ClassSyntax]] = {}

    @property
    def through(self) -> tuple[Through, ...]:
        """The star imports that names came through so far."""
        return tuple(self._through)

    @property
    def unclear(self) -> tuple[tuple[LoadedModule, Unclear], ...]:
        """The names so far that may be eventcore's and may be something else."""
        return tuple(self._unclear)

    def kind_of(self, module: LoadedModule, syntax: ClassSyntax) -> Kind:
        kind = self._kinds.get(syntax)
        if kind is None:
            found: list[Kind] = [kind for decorator in syntax.decorators if (kind := self._marker(module, decorator)) is not None]
            kind = self._kinds[syntax] = found[0] if found else "plain"
            self._places[ClassRef(module.name, syntax.qualname)] = (module, syntax)
        return kind

    def place(self, ref: ClassRef) -> tuple[LoadedModule, ClassSyntax]:
        """Return where a class is that was seen before."""
        return self._places[ref]

    def _marker(self, module: LoadedModule, decorator: Expr) -> Kind | None:
        function = decorator.function if isinstance(decorator, Call) else decorator
        return _MARKERS.get(self._known_name(function, Site(module), frozenset(_MARKERS)))

    def _known_name(self, expression: Expr, site: Site, wanted: frozenset[str]) -> str:
        """Return a library's public name, as `_library_name` does. One that may be, but need not be, one of *wanted* is noted as unclear."""
        read = unaliased(self._types.read(expression, site)) if isinstance(expression, Name) else None
        if isinstance(read, UnknownType) and isinstance(expression, Name) and read.problem is Problem.AMBIGUOUS:
            possible = self._types.possible_names(expression.text, site)
            if len(possible) == 1:
                return next(iter(possible))
            if possible & wanted:
                self._unclear.append((site.module, Unclear(expression.text, read.hint, expression.span)))
        return read.name if isinstance(read, LibraryType) else ""

    def _library_name(self, expression: Expr, site: Site) -> str:
        """Return the public name of what a library gave, or an empty text for anything else."""
        if not isinstance(expression, Name):
            return ""
        read = unaliased(self._types.read(expression, site))
        return read.name if isinstance(read, LibraryType) else ""

    # --- classes of one module

    def declared(self, module: LoadedModule) -> Iterator[tuple[Kind, ClassSyntax]]:
        """Yield the declarations at module level and in the bodies of other classes."""
        if module.syntax is not None:
            yield from self._declared(module, module.syntax.classes)

    def misplaced(self, module: LoadedModule) -> Iterator[tuple[Kind, ClassSyntax]]:
        """Yield the declarations inside of functions."""
        if module.syntax is not None:
            yield from self._declared(module, module.syntax.local_classes)

    def _declared(self, module: LoadedModule, classes: tuple[ClassSyntax, ...]) -> Iterator[tuple[Kind, ClassSyntax]]:
        for syntax in classes:
            kind = self.kind_of(module, syntax)
            if kind != "plain":
                yield kind, syntax
            yield from self._declared(module, syntax.nested)

    # --- what they say

    def event(self, module: LoadedModule, syntax: ClassSyntax) -> Event:
        marker = self._decorator(module, syntax, "event")
        name: str | None = syntax.name
        version: int | None = 1
        if isinstance(marker, Call):
            name, version = _literal_name(marker, syntax.name), _literal_version(marker)
        return Event(
            ref=ClassRef(module.name, syntax.qualname),
            name=name,
            version=version,
            fields=self._data_fields(module, syntax),
            is_generic=bool(syntax.type_parameters) or any(self._has_variables(base, Site(module)) for base in syntax.bases),
            span=syntax.span,
            marker_span=marker.span,
        )

    def _has_variables(self, base: Expr, site: Site) -> bool:
        if not isinstance(base, Subscript):
            return False
        found = (part for item in base.items for part in parts(self._types.read(item, site)))
        return any(isinstance(part, UnknownType) and part.problem is Problem.VARIABLE for part in found)

    def state(self, module: LoadedModule, syntax: ClassSyntax) -> State:
        own = Ancestor(module, syntax)
        marker = self._decorator(module, syntax, "state")
        keywords: Mapping[str, Expr] = marker.keywords if isinstance(marker, Call) else {}
        return State(
            ref=ClassRef(module.name, syntax.qualname),
            fields=self._data_fields(module, syntax),
            methods=self._methods(module, syntax, ("apply",)),
            category=_literal_category(keywords.get("category"), syntax.name),
            ignores_unknown="ignore_unknown" in keywords and _text(keywords["ignore_unknown"]) != "False",
            span=syntax.span,
            fingerprint=syntax.fingerprint,
            missing_defaults=tuple(self._state_fields.without_default(own, marker, self._lineage.of(own))),
        )

    def command(self, module: LoadedModule, syntax: ClassSyntax) -> Command:
        own = Ancestor(module, syntax)
        streams: dict[str, StreamField] = {}
        plain: dict[str, PlainField] = {}
        hidden: dict[str, HiddenStream] = {}
        for ancestor, field in self._attrs_fields(own):
            site = ancestor.site if ancestor == own else Site(ancestor.module, ancestor.syntax, syntax.span)
            marker = self._stream_call(site, field)
            streams.pop(field.name, None)
            plain.pop(field.name, None)
            hidden.pop(field.name, None)
            if marker is not None and ancestor != own and self._is_dataclass(ancestor):
                made = self._known_name(marker.function, site, _FIELDS).rpartition(".")[2]
                text = ancestor.module.source.text(marker.span)
                hidden[field.name] = HiddenStream(field.name, made, text, site.span(field.span), str(ancestor.ref))
            elif marker is not None:
                streams[field.name] = self._stream_field(site, field, marker)
            elif found := self._hidden_stream(site, field):
                hidden[field.name] = found
            elif field.annotation is not None:
                plain[field.name] = PlainField(field.name, site.span(field.span))
        return Command(
            ref=own.ref,
            streams=tuple(streams.values()),
            hidden_streams=tuple(hidden.values()),
            plain_fields=tuple(plain.values()),
            methods=self._methods(module, syntax, _METHODS),
            commands=tuple(base.ref for base in self._lineage.of(own).ancestors if self.kind_of(base.module, base.syntax) == "command"),
            span=syntax.span,
        )

    def _decorator(self, module: LoadedModule, syntax: ClassSyntax, kind: Kind) -> Expr:
        return next(decorator for decorator in syntax.decorators if self._marker(module, decorator) == kind)

    def _data_fields(self, module: LoadedModule, syntax: ClassSyntax) -> tuple[DataField, ...]:
        site = Site(module, syntax)
        return tuple(
            DataField(field.name, self._types.read(field.annotation, site), field.annotation.span)
            for field in syntax.fields
            if field.annotation is not None and not self._is_class_variable(field.annotation, site)
        )

    def _is_class_variable(self, annotation: Expr, site: Site) -> bool:
        base = getattr(annotation, "base", annotation)
        return self._library_name(base, site) == "typing.ClassVar"

    def _attrs_fields(self, own: Ancestor) -> Iterator[tuple[Ancestor, Field]]:
        """Yield the fields in the order of the constructor: base classes' first, as attrs collects them."""
        for ancestor in (*reversed(self._lineage.of(own).ancestors), own):
            # What an undecorated class declares is no field of its heirs; any decorator may be one that makes fields.
            if ancestor == own or ancestor.syntax.decorators:
                for field in ancestor.syntax.fields:
                    if field.annotation is None or not self._is_class_variable(field.annotation, ancestor.site):
                        yield ancestor, field

    def _is_dataclass(self, owner: Ancestor) -> bool:
        makers = (maker.function if isinstance(maker, Call) else maker for maker in owner.syntax.decorators)
        return any(self._library_name(maker, owner.site) == "dataclasses.dataclass" for maker in makers)

    def _stream_call(self, site: Site, field: Field) -> Call | None:
        if not isinstance(field.value, Call):
            return None
        return field.value if self._known_name(field.value.function, site, _FIELDS) in _FIELDS else None

    def _hidden_stream(self, site: Site, field: Field) -> HiddenStream | None:
        """Return what a field is whose value may come to a stream's, without being a plain call of what makes one."""
        if field.value is None:
            return None
        makers: list[tuple[Site, Name]] = [(site, maker) for maker in (*field.calls, *_makers(site.module, field.value))]
        if field.annotation is not None and self._is_stream_type(self._types.read(field.annotation, site)):
            # Looking further would have modules read for the default of any field.
            makers += self._further_makers(site, field)
        for place, maker in makers:
            marker = self._known_name(maker, place, _FIELDS)
            if marker in _FIELDS:
                text = site.module.source.text(field.value.span)
                return HiddenStream(field.name, marker.rpartition(".")[2], text, site.span(field.value.span))
        return None

    @staticmethod
    def _is_stream_type(annotation: Type) -> bool:
        return any(stream_shape(annotation, discovered=discovered)[0] is not None for discovered in (False, True))

    def _further_makers(self, site: Site, field: Field) -> Iterator[tuple[Site, Name]]:
        """Yield what is called by the functions that a field's value calls, and for the value of a name, in whatever module that is."""
        waiting = [(site, name) for name in (*field.calls, *([field.value] if isinstance(field.value, Name) else []))]
        seen: set[tuple[str, str]] = set()
        while waiting:
            place, name = waiting.pop()
            if (place.module.name, name.text) in seen:
                continue
            seen.add((place.module.name, name.text))
            match self._names.resolve(place.module, name.text, place.scope).target:
                case AliasTarget(module=module, value=Name() as value):
                    waiting.append((Site(module), value))
                case Failed(opaque=(module, opaque)):
                    called = [(Site(module), inner) for inner in (opaque.maker, *opaque.returned) if inner is not None]
                    yield from called
                    waiting += called
                case _:
                    pass

    def _stream_field(self, site: Site, field: Field, marker: Call) -> StreamField:
        discovered = self._known_name(marker.function, site, _FIELDS) == DISCOVERED
        read_only = marker.keywords.get("read_only")
        events = marker.keywords.get("events")
        annotation = None if field.annotation is None else self._types.read(field.annotation, site)
        is_final = isinstance(field.annotation, Subscript) and self._library_name(field.annotation.base, site) == "typing.Final"
        kind, state = (None, None) if annotation is None or is_final else stream_shape(annotation, discovered=discovered)
        return StreamField(
            name=field.name,
            kind=kind,
            discovered=discovered,
            read_only=_text(read_only) == "True",
            state=state,
            events=None if events is None or _text(events) == "None" else self._types.read(events, site),
            annotation=None if field.annotation is None else site.module.source.text(field.annotation.span),
            annotation_span=site.span(field.span if field.annotation is None else field.annotation.span),
            is_quiet=annotation is not None
            and any(isinstance(part, UnknownType) and part.problem is Problem.BROKEN for part in parts(annotation)),
            is_literal=(read_only is None or _text(read_only) in ("True", "False"))
            and not any(isinstance(argument, Unreadable) for argument in marker.arguments),
            span=site.span(field.span),
        )

    def _methods(self, module: LoadedModule, syntax: ClassSyntax, names: tuple[str, ...]) -> Methods:
        own = Ancestor(module, syntax)
        lineage = self._lineage.of(own)
        found: dict[str, Method] = {}
        complete = lineage.is_complete
        for ancestor in (own, *lineage.ancestors):
            for name in names:
                method = ancestor.syntax.method(name)
                if method is not None and name not in found:
                    found[name] = self._method(ancestor, method, syntax, inherited=ancestor != own)
                complete = complete and not any(field.name == name and field.annotation is None for field in ancestor.syntax.fields)
        return Methods(found, complete)

    def _method(self, owner: Ancestor, method: MethodSyntax, syntax: ClassSyntax, *, inherited: bool) -> Method:
        # Places in another class's method may be in another file; the heir's own place is where its faults are shown.
        site = Site(owner.module, owner.syntax, syntax.span if inherited else None)
        return Method(
            name=method.name,
            parameters=tuple(self._parameter(parameter, site) for parameter in method.parameters),
            returns=None if method.returns is None else self._types.read(method.returns, site),
            is_async=method.is_async,
            yields=method.body is not None and method.body.yields,
            binding=self._binding(method, site),
            inherited=inherited,
            body=self._body(method.body, site),
            span=site.span(method.span),
            rivals=_rivals(owner, method) if method.is_conditional else "",
        )

    def _binding(self, method: MethodSyntax, site: Site) -> Binding:
        for decorator in method.decorators:
            found = _BINDINGS.get(self._library_name(decorator, site))
            if found is not None:
                return found
        return "instance"

    def _body(self, body: BodySyntax | None, site: Site) -> Body:
        if body is None:
            return Body(is_stub=False, written=None, outside=(), awaits=())
        named = [(mention, self._outside.library_name(site.module, mention.text)) for mention in body.mentions]
        return Body(
            is_stub=body.is_stub,
            written=self._written(body, site.module),
            outside=tuple(
                Outside(public_name(name), site.span(mention.span), mention.is_bare_call)
                for mention, name in named
                if name is not None and not name.startswith(f"{LIBRARY}.")
            ),
            awaits=tuple(
                ForeignAwait(awaited.shown, site.span(awaited.span))
                for awaited in body.awaits
                if self._outside.is_foreign(site.module, awaited)
            ),
        )

    def _written(self, body: BodySyntax, module: LoadedModule) -> frozenset[str] | None:
        if body.written is None or any(self._outside.library_name(module, call.function) not in _STREAM_WRITE for call in body.constructed):
            return None
        return body.written | {call.field for call in body.constructed}

    # --- ids

    def made_ids(self, module: LoadedModule) -> Iterator[MadeId]:
        """Yield the calls that make ids of streams. States are taken by the names that the imports of *module* give them."""
        for call in () if module.syntax is None else module.syntax.made_ids:
            maker = self._outside.library_name(module, call.maker)
            state = self._outside.full_name(module, call.state) if call.state else None
            if maker is not None and public_name(maker) == _STREAM_ID and (state is not None or not call.state):
                yield MadeId(None if state is None else _ref(state), call.prefix, call.span)

    def _parameter(self, parameter: ParameterSyntax, site: Site) -> Parameter:
        type_ = None if parameter.annotation is None else self._types.read(parameter.annotation, site)
        return Parameter(parameter.name, type_, parameter.kind, parameter.has_default, site.span(parameter.span))


def _rivals(owner: Ancestor, method: MethodSyntax) -> str:
    # What has a decorator is an overload, or the getter to a setter.
    others = (other for other in owner.syntax.methods if other.name == method.name and not other.decorators)
    lines = sorted({other.span.line for other in others if _signature(owner, other) != _signature(owner, method)} | {method.span.line})
    return f"the lines {', '.join(map(str, lines))} of {owner.module.source.shown}" if len(lines) > 1 else ""


def _signature(owner: Ancestor, method: MethodSyntax) -> list[str]:
    """Return the parameters and what is returned, as they are written."""
    types = [*((parameter.name, parameter.annotation) for parameter in method.parameters), ("->", method.returns)]
    return [f"{name} {'' if type_ is None else owner.module.source.text(type_.span)}" for name, type_ in types]


def _makers(module: LoadedModule, value: Expr) -> Iterator[Name]:
    """Yield what was called to make the value that a name of *module* stands for."""
    if isinstance(value, Name) and module.syntax is not None:
        for binding in module.syntax.bindings.get(value.text, ()):
            if isinstance(binding.bound, Opaque) and binding.bound.maker is not None:
                yield binding.bound.maker


def _ref(name: str) -> ClassRef:
    module, _, qualname = name.rpartition(".")
    return ClassRef(module, qualname)


def _literal_name(marker: Call, default: str) -> str | None:
    if "name" in marker.keywords:
        return None
    if not marker.arguments or _text(marker.arguments[0]) == "None":
        return default
    value = marker.arguments[0]
    return value.value if isinstance(value, Constant) and isinstance(value.value, str) else None


def _literal_version(marker: Call) -> int | None:
    value = marker.keywords.get("version")
    if value is None:
        return 1
    return value.value if isinstance(value, Constant) and isinstance(value.value, int) else None


def _literal_category(value: Expr | None, class_name: str) -> str | None:
    if value is None or _text(value) == "None":
        return _WORD_START.sub("_", class_name).lower()
    return value.value if isinstance(value, Constant) and isinstance(value.value, str) else None


def _text(expression: Expr | None) -> str:
    return expression.text if isinstance(expression, Constant) else ""
