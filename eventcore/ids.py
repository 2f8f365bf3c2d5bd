"""Names and places: stream ids, patterns over them, positions in the global order, event ids.

All of them are values that are checked when they are made, so that nothing below has to check again.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from functools import total_ordering
from typing import TYPE_CHECKING, ClassVar, Final, Generic, Self, TypeGuard, TypeVar, final, get_args
from uuid import UUID, SafeUUID

import attrs
from typing_extensions import TypeVar as DefaultTypeVar

from eventcore.construct import new_object
from eventcore.errors import InvalidPosition, InvalidStreamId

MAX_STREAM_ID_LENGTH: Final = 255
CATEGORY_ATTRIBUTE: Final = "__eventcore_category__"

S = TypeVar("S")
S_co = DefaultTypeVar("S_co", covariant=True, default=object)

_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_WILDCARD = re.compile(r"[*?\[\]]")


class StreamId(str, Generic[S_co]):
    """Name one stream of events; a `str` that knows at type-checking time which state its events fold into.

    1 to 255 characters, no control characters or surrogates, no leading or trailing space, none of ``* ? [ ]`` (patterns use them).
    Two ids are equal when their texts are: the state is no part of the name. ``StreamId[Cart](text)`` and ``StreamId.of(Cart, key)``
    also remember the state at run time, which is what lets `CommandExecutor.load` fold the stream without being told how.

    Raises `InvalidStreamId`.
    """

    __slots__ = ("__orig_class__",)
    __orig_class__: object
    if TYPE_CHECKING:

        @property
        def _states(self) -> list[S_co]:
            """Nothing that is there: type checkers tell an id of one state from an id of several by it, in `testing.stream_events.FoldsInto`."""
            ...

    def __new__(cls, value: str, /) -> Self:
        _check(value, wildcards=False)
        return super().__new__(cls, value)

    @classmethod
    def of(cls, state: type[S], key: object, /) -> StreamId[S]:
        """Return ``<category>-<key>``, the id of one stream of a `@state` class. *key* may be anything whose `str` names it.

        None and what has no text are refused: all that lack a key would share one stream.
        """
        category = getattr(state, "__dict__", {}).get(CATEGORY_ATTRIBUTE)
        if category is None:
            raise InvalidStreamId(key, f"{getattr(state, '__name__', state)!s} is no @state class, so it names no category of streams")
        name = "" if key is None else str(key)
        if not name:
            raise InvalidStreamId(key, f"it names no stream of {state.__name__}; give the key of one")
        stream_id = StreamId[S](f"{category}-{name}")
        stream_id.__orig_class__ = StreamId[state]  # type: ignore[valid-type]  # the run-time class, not a type variable
        return stream_id


def state_of(stream_id: StreamId[S]) -> type[S] | None:
    """Return the state class that *stream_id* was made with, or None where it was made without one."""
    arguments = get_args(getattr(stream_id, "__orig_class__", None))
    return arguments[0] if arguments and isinstance(arguments[0], type) else None


def is_stream_id(value: object) -> TypeGuard[StreamId]:
    """Tell whether *value* is a stream id, of whichever state."""
    return isinstance(value, StreamId)


def _check(value: object, *, wildcards: bool) -> None:
    if not isinstance(value, str):
        raise InvalidStreamId(value, f"expected text, got {type(value).__name__}")
    if not value:
        raise InvalidStreamId(value, "it is empty")
    if len(value) > MAX_STREAM_ID_LENGTH:
        raise InvalidStreamId(value, f"it has {len(value)} characters, at most {MAX_STREAM_ID_LENGTH} are allowed")
    if bad := _FORBIDDEN.search(value):
        raise InvalidStreamId(value, f"it holds the control character or surrogate {bad.group()!r} at index {bad.start()}")
    if value[0].isspace() or value[-1].isspace():
        raise InvalidStreamId(value, "it begins or ends with a space; strip it first")
    if not wildcards and (bad := _WILDCARD.search(value)):
        raise InvalidStreamId(value, f"it holds {bad.group()!r}, which only patterns may use")


@final
@attrs.frozen
class StreamPrefix:
    """Select the streams whose id begins with *text*, byte for byte."""

    text: str = attrs.field()

    def __attrs_post_init__(self) -> None:
        _check(self.text, wildcards=False)

    def matches(self, stream_id: str) -> bool:
        return stream_id.startswith(self.text)


@final
@attrs.frozen
class StreamPattern:
    """Select the streams whose whole id fits a glob: ``*`` any run of characters (``/`` too), ``?`` one, ``[a-z]`` one of, ``[!a-z]`` none of.

    Case counts. A ``]`` stands for itself as the first character of a set.
    """

    text: str = attrs.field()
    _regex: re.Pattern[str] = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        _check(self.text, wildcards=True)
        object.__setattr__(self, "_regex", re.compile(_translate(self.text), re.DOTALL))

    def matches(self, stream_id: str) -> bool:
        return self._regex.fullmatch(stream_id) is not None


def _translate(glob: str) -> str:
    parts: list[str] = []
    at = 0
    while at < len(glob):
        character = glob[at]
        at += 1
        if character == "*":
            parts.append(".*")
        elif character == "?":
            parts.append(".")
        elif character == "[":
            start = at + 1 if glob[at : at + 1] == "!" else at
            end = glob.find("]", start + 1)
            if end < 0:
                raise InvalidStreamId(glob, f"the set that opens at index {at - 1} is never closed")
            members = re.sub(r"([\\\[\]^&~|])", r"\\\1", glob[start:end])
            parts.append(f"[{'^' if start > at else ''}{members}]")
            at = end + 1
        else:
            parts.append(re.escape(character))
    try:
        re.compile("".join(parts))
    except re.error as error:
        raise InvalidStreamId(glob, f"it is no pattern: {error}") from error
    return "".join(parts)


@final
@total_ordering
@attrs.define(order=False, repr=False, unsafe_hash=True)  # not frozen, which would make it in twice the time: its one field is private
class Position:
    """A place in the global order of one store: opaque, ordered, printable.

    Later events have greater positions. Positions of two stores cannot be compared in a meaningful way, and there is no arithmetic
    on them: between two neighbours there may or may not be room. ``str(position)`` and `Position.parse` carry one through text.
    """

    _key: tuple[int, ...]

    _SEPARATOR: ClassVar[str] = "."

    @classmethod
    def parse(cls, text: str) -> Position:
        """Return the position that ``str(position)`` printed. Raises `InvalidPosition`."""
        try:
            return cls(tuple(int(part) for part in text.split(cls._SEPARATOR)))
        except (ValueError, AttributeError, TypeError) as error:
            raise InvalidPosition(text, "expected the text of a position, such as '42'") from error

    @property
    def key(self) -> tuple[int, ...]:
        """The store's own coordinates. For stores; nothing else should look inside."""
        return self._key

    def __lt__(self, other: Position) -> bool:
        if other.__class__ is not Position:
            return NotImplemented
        return self._key < other._key

    def __str__(self) -> str:
        return self._SEPARATOR.join(map(str, self._key))

    def __repr__(self) -> str:
        return f"Position({str(self)!r})"


def position_at(*key: int) -> Position:
    """Return a position as fast as one can be made. For stores."""
    position: Position = new_object(Position)
    position._key = key  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return position


def uuid_of(number: int) -> UUID:
    """Return ``UUID(int=number)`` in half its time, without its checks: *number* is known to be one. For stores."""
    made: UUID = new_object(UUID)
    _set_int(made, number)
    _set_is_safe(made, _UNKNOWN)
    return made


_UNKNOWN: Final = SafeUUID.unknown

_set_int: Final[Callable[[UUID, int], None]] = UUID.__dict__["int"].__set__
_set_is_safe: Final[Callable[[UUID, SafeUUID], None]] = UUID.__dict__["is_safe"].__set__

# The bits of an id that are random, and those that tell the version and the variant. Of the last 62 the first is 0: ids that are drawn together
# count upwards from the first of them, and must not reach the bits of the variant.
_RANDOM: Final = 0x0FFF_1FFF_FFFF_FFFF_FFFF
_VERSION_7: Final = 0x7000_8000_0000_0000_0000


@final
class EventIdSource:
    """Makes event ids: UUIDs of version 7, so that ids made later sort later and indexes grow at one end (RFC 9562, 5.7).

    Those that are drawn together follow one another in their order (RFC 9562, 6.2, method 2).
    Randomness is drawn from the system in bulk: each call of it lets go of the interpreter lock, and has to win it back from the store's
    threads. Any thread may draw; a forked process draws anew.
    """

    _RANDOM_BYTES: ClassVar[int] = 10

    def __init__(self, *, drawn_at_once: int = 256) -> None:
        self._drawn_at_once = drawn_at_once
        self._process = 0
        self._pool: Iterator[int] = iter(())

    def draw(self, count: int) -> list[UUID]:
        """Return *count* new ids."""
        if self._process != os.getpid():
            self._pool, self._process = iter(()), os.getpid()
        # `next` on an iterator of a list is one step of the interpreter, so no two threads get the same number.
        random = next(self._pool, None) or self._refill()
        first = (time.time_ns() // 1_000_000 & 0xFFFF_FFFF_FFFF) << 80 | random
        return [uuid_of(number) for number in range(first, first + count)]

    def _refill(self) -> int:
        size = self._RANDOM_BYTES
        drawn = os.urandom(size * self._drawn_at_once)
        first, *others = [int.from_bytes(drawn[at : at + size], "big") & _RANDOM | _VERSION_7 for at in range(0, len(drawn), size)]
        self._pool = iter(others)
        return first


def new_event_id() -> UUID:
    """Return one fresh event id; `EventIdSource` makes many of them faster."""
    return EventIdSource(drawn_at_once=1).draw(1)[0]
