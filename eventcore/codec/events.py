"""`EventCodec`: whole events, metadata and commands."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from types import NoneType, UnionType
from typing import Any, Final, NoReturn, TypeVar, Union, cast, final, get_args, get_origin

import orjson
from cattrs import Converter

from eventcore.arguments import Arguments
from eventcore.codec.coder import Coder, Function
from eventcore.codec.compiler import Compiler
from eventcore.codec.fields import is_record, outline, shape_of
from eventcore.codec.fingerprint import canonical_command
from eventcore.codec.misfit import Misfit, shown
from eventcore.codec.untyped import encode_metadata, refuse_unstorable_text
from eventcore.errors import EventNotStorable, InvalidIdempotencyKey, InvalidMetadata
from eventcore.events import Metadata

T = TypeVar("T")

_ESCAPED_NUL: Final = b"\\u0000"
# Not float: its fields take an int too, which comes back as a float.
_PLAIN: Final = frozenset({int, str, bool, NoneType})
_FINGERPRINT_FORMAT: Final = b"1:"


@final
class EventCodec:
    """Turn events into the JSON that stores keep, and back: what is stored comes back equal and of the same types, or is refused.

    *converter* is a cattrs converter with your own hooks; what you registered on it before it is given here wins over what the codec
    does by itself.
    With *ignore_unknown_fields*, stored fields that a class no longer has are passed over instead of being an error.
    """

    def __init__(self, converter: Converter | None = None, *, ignore_unknown_fields: bool = False) -> None:
        given = Arguments("EventCodec")
        given.instances(Converter | None, converter=converter)
        given.flags(ignore_unknown_fields=ignore_unknown_fields)
        self._compiler = Compiler(converter, ignore_unknown=ignore_unknown_fields)
        self._encoders: dict[type, Function] = {}
        hooks = self._compiler.hooks
        self._unstructure: Callable[[object], object] = hooks.unstructure if hooks is not None else _no_hook

    def encode(self, event: object) -> bytes:
        """Return the JSON of *event*. Raises `EventNotStorable`, or `DefinitionError` where no event of its class can be stored."""
        cls = type(event)
        try:
            encode = self._encoders[cls]
        except KeyError:
            encode = self._encoders[cls] = self._coder(cls).encode
        try:
            encoded = encode(event)
        except Misfit as misfit:
            raise EventNotStorable(cls.__name__, f"{cls.__name__}{misfit.path}: {misfit.problem}") from misfit
        except RecursionError as error:
            raise EventNotStorable(cls.__name__, "it is nested too deeply, or holds itself") from error
        try:
            # Copied into a piece of memory of its own size: orjson writes into a large one, which the system's allocator cuts off slowly and
            # whose rest is lost where the bytes stay.
            data = b"".join((orjson.dumps(encoded), b""))
        except TypeError as error:
            _refuse(cls, encoded, error)
        # Not `in`, which first takes what it looks for as a number, and makes an error of that.
        if data.find(_ESCAPED_NUL) >= 0:
            _check_text(cls, encoded)
        return data

    def decoder(self, cls: type[T]) -> Callable[[bytes], T]:
        """Return a function from stored bytes to an event of *cls*.

        It raises a `ValueError` whose text says where and what is wrong. Raises `DefinitionError` here and now where no event of *cls*
        can be stored.
        """
        decode = self.value_decoder(cls)
        loads = orjson.loads

        def decode_event(data: bytes) -> T:
            try:
                raw = loads(data)
            except ValueError as error:
                raise Misfit(f"it is not JSON: {error}") from error
            return decode(raw)

        return decode_event

    def value_decoder(self, cls: type[T]) -> Callable[[object], T]:
        """Return a function from the parsed JSON of an event of *cls* to the event: what `decoder` does, for who parses many at once."""
        return self._coder(cls).decode

    def is_plain(self, cls: type) -> bool:
        """Tell whether events of *cls* are made of whole numbers and texts alone: what comes back from the store is as good as what went in."""
        if self._compiler.hooks is not None or not is_record(cls):
            return False
        shape = shape_of(cls, ())
        return shape.trusted and all(map(_is_plain, (field.annotation for field in shape.fields)))

    def outline(self, cls: type) -> str:
        """Return a text that changes where the stored form of *cls* does, as far as its annotations tell; users' hooks are not looked into."""
        return outline(cls)

    def encode_metadata(self, metadata: Metadata) -> bytes:
        """Return the JSON of *metadata*. Raises `InvalidMetadata`."""
        if not metadata and type(metadata) is dict:
            return b"{}"
        try:
            return _dump_metadata(metadata)
        except Misfit as misfit:
            raise InvalidMetadata(f"metadata{misfit.path}: {misfit.problem}") from misfit
        except RecursionError as error:
            raise InvalidMetadata("metadata cannot be stored: it is nested too deeply, or holds itself") from error
        except TypeError as error:
            raise InvalidMetadata(f"metadata cannot be stored: {error}") from error

    def decode_metadata(self, data: bytes) -> Metadata:
        """Return stored metadata. Raises `ValueError` unless it is a JSON object."""
        if data == b"{}":
            return {}
        metadata: Metadata = orjson.loads(data)
        if metadata.__class__ is not dict:
            raise Misfit(f"expected an object, got {shown(metadata)}")
        return metadata

    def fingerprint(self, command: object, module: str = "") -> bytes:
        """Return a digest of a command's class and fields: equal for equal commands, in every process.

        The class counts by its qualified name and *module*, the name by which it is imported: a program that is run as a script and one that imports
        it have to agree.
        Raises `InvalidIdempotencyKey` for a field that has no form of its own which every process agrees on.
        """
        name = type(command).__qualname__
        try:
            data = canonical_command(command, self._unstructure)
        except Misfit as misfit:
            problem = f"{name}{misfit.path}: {misfit.problem}"
        except RecursionError:
            problem = f"{name} is nested too deeply, or holds itself"
        else:
            home = f"{module}:" if module else ""
            return hashlib.sha256(_FINGERPRINT_FORMAT + home.encode() + data).digest()
        raise InvalidIdempotencyKey(
            f"{problem}; a command with an idempotency key must be comparable with what an earlier process was given"
        )

    def _coder(self, cls: type) -> Coder:
        return self._compiler.event(cls)


def _is_plain(annotation: object) -> bool:
    types = get_args(annotation) if get_origin(annotation) in {Union, UnionType} else (annotation,)
    return all(each in _PLAIN for each in types)


def _refuse(cls: type, encoded: object, error: TypeError) -> NoReturn:
    """Say what orjson's *error* does not: which field holds what it cannot write."""
    _check_text(cls, encoded)
    raise EventNotStorable(cls.__name__, str(error)) from error


def _check_text(cls: type, encoded: object) -> None:
    try:
        refuse_unstorable_text(encoded)
    except Misfit as misfit:
        raise EventNotStorable(cls.__name__, f"{cls.__name__}{misfit.path}: {misfit.problem}") from misfit


def _dump_metadata(metadata: Any) -> bytes:
    if not isinstance(metadata, Mapping):
        raise Misfit(f"expected a mapping of strings to JSON values, got {shown(metadata)}")
    encoded = encode_metadata(cast("Mapping[object, object]", metadata))
    refuse_unstorable_text(encoded)
    return orjson.dumps(encoded)


def _no_hook(_value: object) -> None:
    return None
