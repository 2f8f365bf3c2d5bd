"""The forms that the annotation of a stream field may have."""

from __future__ import annotations

from typing import Final

from eventcore_codegen.model import LIBRARY, NONE, LibraryType, LiteralType, StreamKind, Type, UnionType, unaliased, union_members

STREAM: Final = f"{LIBRARY}.stream"
DISCOVERED: Final = f"{LIBRARY}.discovered"

_STREAM_ID: Final = f"{LIBRARY}.StreamId"
_DISCOVERED_TYPE: Final = f"{LIBRARY}.Discovered"
_TUPLES: Final = frozenset({"builtins.tuple", "typing.Tuple"})


def stream_shape(annotation: Type, *, discovered: bool) -> tuple[StreamKind | None, Type | None]:
    """Return what kind of stream field an annotation makes, and the state in it; (None, None) where it is none of the forms."""
    annotation = unaliased(annotation)
    if discovered:
        return ("discovered", _state(annotation)) if _is(annotation, _DISCOVERED_TYPE) else (None, None)
    if _is(annotation, _STREAM_ID):
        return "one", _state(annotation)
    if isinstance(annotation, UnionType):
        return _optional(annotation)
    return _many(annotation)


def _optional(union: UnionType) -> tuple[StreamKind | None, Type | None]:
    members = union_members(union)
    some = [member for member in members if not (isinstance(member, LiteralType) and member.text == NONE)]
    if len(some) == 1 and len(members) > 1 and _is(some[0], _STREAM_ID):
        return "optional", _state(some[0])
    return None, None


def _many(annotation: Type) -> tuple[StreamKind | None, Type | None]:
    match annotation:
        case LibraryType(name=name, arguments=(item, LiteralType(text="..."))) if name in _TUPLES and _is(unaliased(item), _STREAM_ID):
            return "many", _state(unaliased(item))
        case _:
            return None, None


def _is(annotation: Type, name: str) -> bool:
    return isinstance(annotation, LibraryType) and annotation.name == name and len(annotation.arguments) <= 1


def _state(annotation: Type) -> Type | None:
    """Return what stands in the brackets; `object`, which is what a bare ``StreamId`` means, counts as nothing."""
    match annotation:
        case LibraryType(arguments=(LibraryType(name="builtins.object"),)):
            return None
        case LibraryType(arguments=(state,)):
            return state
        case _:
            return None
