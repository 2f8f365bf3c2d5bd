from __future__ import annotations

from typing import Optional, TypeAlias, TypeVar, Union

import typing_extensions

from eventcore import StreamId, event

S = TypeVar("S")
E = TypeVar("E")


@event
class Closed:
    why: str


Or = Union[E, Closed]  # noqa: UP007  # as it was written before `|`
Ident = StreamId[S]
MaybeIdent = Optional[Ident[S]]  # noqa: UP045
Idents: TypeAlias = "tuple[Ident[S], ...]"
Keyed: TypeAlias = tuple[tuple[str, S], ...]
Nested: TypeAlias = "tuple[Nested, ...] | str"
D = typing_extensions.TypeVar("D", default=Closed)
F = typing_extensions.TypeVar("F", default=D)
OrClosed: TypeAlias = Union[D, Closed]  # noqa: UP007
Usual: TypeAlias = Union[E, D, F]  # noqa: UP007
