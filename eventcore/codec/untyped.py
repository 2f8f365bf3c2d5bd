"""Places without a type of their own: `Any`, `object`, `JsonValue`, and metadata. They hold JSON values: all else would come back as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, cast

from eventcore.codec.coder import ANY_JSON, Coder
from eventcore.codec.misfit import Misfit, an, key_segment
from eventcore.codec.scalars import exact_float, scalar

_PLAIN: Final[tuple[type[object], ...]] = (type(None), bool, int, str)
_SCALAR_CODERS: Final[dict[type[object], Coder]] = {cls: coder for cls in _PLAIN if (coder := scalar(cls)) is not None}
_FLOAT: Final = exact_float()


def untyped() -> Coder:
    return Coder("JSON", encode_json, lambda raw: raw, ANY_JSON, None, "type({v}) is str or type({v}) is bool or {v} is None", "True")


def encode_json(value: object) -> object:
    """Return *value* as orjson is to write it. Raises `Misfit` unless it consists of the very types that JSON has."""
    kind = type(value)
    if kind is dict:
        return {_key(key): _encode_under(key, item) for key, item in cast("dict[object, object]", value).items()}
    if kind is list:
        return [_encode_under(index, item) for index, item in enumerate(cast("list[object]", value))]
    coder = _FLOAT if kind is float else _SCALAR_CODERS.get(kind)
    if coder is None:
        hint = "; use a list" if issubclass(kind, tuple) else "; annotate the field with its type"
        raise Misfit(f"{an(type(value))} would not come back from an untyped place, which holds JSON values only{hint}")
    return coder.encode(value)


def _key(key: object) -> str:
    if type(key) is not str:
        raise Misfit(f"the key {key!r} is no str, and an untyped place holds JSON values only; annotate the field with its type")
    return key


def encode_metadata(value: object) -> object:
    """Return a value of metadata as orjson is to write it. Raises `Misfit`.

    What comes back is equal, as in events, but of JSON's own types: a `StreamId` is its text, and any mapping a dict.
    """
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return {_metadata_key(key): _encode_under(key, item, encode_metadata) for key, item in items}
    if isinstance(value, list):
        return [_encode_under(index, item, encode_metadata) for index, item in enumerate(cast("list[object]", value))]
    if value is None or isinstance(value, bool):
        return value
    for base, plain in _PLAIN_OF.items():
        if isinstance(value, base):
            return encode_json(plain(value))
    raise Misfit(f"{an(type(value))} is no JSON value; use {'a list' if isinstance(value, tuple | set | frozenset) else 'its text'}")


# Not the classes themselves: of an enum they make what it says, not what it is.
_PLAIN_OF: Final[Mapping[type[object], Callable[..., object]]] = {str: str.__str__, int: int.__int__, float: float.__float__}


def _metadata_key(key: object) -> str:
    if not isinstance(key, str):
        raise Misfit(f"the key {key!r} is no str; use its text")
    return str.__str__(key)


def _encode_under(key: object, item: object, encode: Callable[[object], object] = encode_json) -> object:
    try:
        return encode(item)
    except Misfit as misfit:
        misfit.under(key_segment(key))
        raise


def refuse_unstorable_text(value: object, path: str = "") -> None:
    """Raise `Misfit` if a string in an encoded value holds what PostgreSQL or UTF-8 cannot: NUL or a lone surrogate."""
    if isinstance(value, str):
        _refuse_text(value, path, "the text")
    elif isinstance(value, dict):
        for key, item in cast("dict[str, object]", value).items():
            where = path + key_segment(key)
            _refuse_text(key, where, "the key")
            refuse_unstorable_text(item, where)
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[object]", value)):
            refuse_unstorable_text(item, f"{path}[{index}]")


def _refuse_text(text: str, path: str, what: str) -> None:
    if "\0" in text:
        raise Misfit(f"{what} holds NUL at index {text.index(chr(0))}, which not every store keeps; remove it, or use a bytes field", path)
    for index, character in enumerate(text):
        if "\ud800" <= character <= "\udfff":
            raise Misfit(f"{what} holds the lone surrogate {character!r} at index {index}, which is no Unicode; use a bytes field", path)
