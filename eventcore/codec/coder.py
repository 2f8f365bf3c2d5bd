"""How one type is stored: the unit that everything else in the codec is put together from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import NoneType
from typing import Any, Final, Protocol, TypeAlias, final

import attrs

Function: TypeAlias = Callable[[Any], Any]  # a coder takes what it was made for; no type can say so for all types at once

Types: TypeAlias = frozenset[type[object]]

NULL: Final[Types] = frozenset({NoneType})
BOOL: Final[Types] = frozenset({bool})
INT: Final[Types] = frozenset({int})
FLOAT: Final[Types] = frozenset({float})
STR: Final[Types] = frozenset({str})
ARRAY: Final[Types] = frozenset({list})
OBJECT: Final[Types] = frozenset({dict})
ANY_JSON: Final[Types] = NULL | BOOL | INT | FLOAT | STR | ARRAY | OBJECT


@final
@attrs.define(eq=False)
class Coder:
    """How values of one type become JSON values and come back.

    *encode* and *decode* return the other side's value or raise `Misfit`; they take nothing on trust. *emits* are the Python types of the
    JSON values that *encode* returns, *takes* the exact run-time types that it takes, or None where only trying tells. *name* tags it
    in a union.

    The tests are Python expressions over ``{v}`` that hold for most values that pass unchanged: generated code asks them before it
    calls the function.
    """

    name: str
    encode: Function
    decode: Function
    emits: Types
    takes: Types | None
    encode_test: str | None = None
    decode_test: str | None = None


@final
@attrs.frozen
class Scope:
    """Where an annotation stands: whose field it is, for errors, and what the names in it mean."""

    owner: str
    field: str | None
    names: Mapping[str, object] = attrs.field(eq=False)
    module: str


class Compile(Protocol):
    """Make the coder of an annotation. Raises `DefinitionError` where there is none."""

    def __call__(self, annotation: object, scope: Scope, /) -> Coder: ...
