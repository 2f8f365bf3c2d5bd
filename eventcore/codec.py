"""Events to JSON and back, through cattrs and orjson. What not every store can keep exactly is refused here, on every store."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TypeVar, cast

import attrs
import orjson
from cattrs import Converter
from cattrs.preconf.orjson import make_converter

from eventcore.errors import EventNotStorable, InvalidIdempotencyKey, InvalidMetadata
from eventcore.events import Metadata

T = TypeVar("T")


class EventCodec:
    def __init__(self, converter: Converter | None = None) -> None:
        self._converter = converter or make_converter()

    def encode(self, event: object) -> bytes:
        try:
            return orjson.dumps(self._converter.unstructure(event))
        except TypeError as error:
            raise EventNotStorable(type(event).__name__, str(error)) from error

    def decoder(self, cls: type[T]) -> Callable[[bytes], T]:
        """Return a function from stored bytes to an event. It raises whatever is wrong with them."""
        hook = self._converter.get_structure_hook(cls)
        return lambda data: hook(orjson.loads(data), cls)

    def encode_metadata(self, metadata: Metadata) -> bytes:
        try:
            return orjson.dumps(metadata)
        except TypeError as error:
            raise InvalidMetadata(str(error)) from error

    def decode_metadata(self, data: bytes) -> Metadata:
        metadata: Metadata = orjson.loads(data)
        return metadata

    def fingerprint(self, command: object) -> bytes:
        """Return a digest of a command's class and fields: equal for equal commands, in every process."""
        cls = type(command)
        try:
            fields = {field.name: self._converter.unstructure(getattr(command, field.name)) for field in attrs.fields(cast("type[attrs.AttrsInstance]", cls)) if field.init}
            data = orjson.dumps([cls.__qualname__, fields], option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
        except TypeError as error:
            raise InvalidIdempotencyKey(f"{cls.__qualname__} has fields that cannot be compared with an earlier command's: {error}") from error
        return hashlib.sha256(data).digest()
