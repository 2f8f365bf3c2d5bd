"""Classes stored as objects: one straight-line encoder and one decoder generated per class, no reflection per event."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Collection, Sequence
from typing import Any, cast

import orjson

from eventcore.codec.coder import Coder, Function
from eventcore.codec.fields import Field, Shape
from eventcore.codec.misfit import MISSING, Misfit, an, key_segment, shown, unfit, unread
from eventcore.codec.untyped import refuse_unstorable_text


def fill(coder: Coder, cls: type, shape: Shape, coders: Sequence[Coder], *, ignore_unknown: bool) -> None:
    """Give *coder*, made earlier so that a recursive class can refer to itself, its functions for *cls*."""
    coder.encode = _generate("encode", cls, _encoder_lines(shape, coders), _encoder_names(cls, coders))
    coder.decode = _generate(
        "decode", cls, _decoder_lines(shape, coders, ignore_unknown=ignore_unknown), _decoder_names(cls, shape, coders)
    )
    if not shape.trusted:
        coder.encode = _verified(cls, coder.encode, coder.decode, shape.computed)


def through_bytes(encoded: object) -> object:
    """Return an encoded value as a reader will find it. Raises `Misfit` for text that cannot be stored."""
    refuse_unstorable_text(encoded)
    try:
        return orjson.loads(orjson.dumps(encoded))
    except TypeError as error:
        raise Misfit(str(error)) from error


def _verified(cls: type, encode: Function, decode: Function, computed: Sequence[str]) -> Function:
    def encode_verified(value: object) -> object:
        encoded = encode(value)
        try:
            again = decode(through_bytes(encoded))
            same = orjson.dumps(encode(again)) == orjson.dumps(encoded)
        except Misfit as misfit:
            raise Misfit(f"{cls.__name__} could not be restored: {misfit}") from misfit
        if not same or any(getattr(again, name) != getattr(value, name) for name in computed):
            raise Misfit(f"its constructor changes what it is given: it would come back as {shown(again)}")
        return encoded

    return encode_verified


def _encoder_lines(shape: Shape, coders: Sequence[Coder]) -> list[str]:
    lines = ["def encode(value):", "    if type(value) is not cls:", "        raise foreign(value)"]
    for n, (field, coder) in enumerate(zip(shape.fields, coders, strict=True)):
        lines.append(f"    v{n} = value.{field.name}")
        lines += _converted(n, coder.encode_test, f"encode{n}", field.name)
    stored = ", ".join(f"{field.name!r}: v{n}" for n, field in enumerate(shape.fields))
    return [*lines, f"    return {{{stored}}}"]


def _decoder_lines(shape: Shape, coders: Sequence[Coder], *, ignore_unknown: bool) -> list[str]:
    numbered = list(enumerate(shape.fields))
    required = [(n, field) for n, field in numbered if field.default is None]
    optional = [(n, field) for n, field in numbered if field.default is not None]
    lines = ["def decode(raw):", "    if type(raw) is not dict:", "        raise unread(raw, 'an object')"]
    if required:
        lines.append("    try:")
        lines += [f"        v{n} = raw[{field.name!r}]" for n, field in required]
        lines += ["    except KeyError as error:", "        raise absent(error.args[0], raw) from None"]
    if not ignore_unknown:
        lines.append(f"    count = {len(required)}")
    for n, field in optional:
        lines += [f"    v{n} = raw.get({field.name!r}, MISSING)", f"    if v{n} is MISSING:", f"        v{n} = default{n}()", "    else:"]
        lines += [] if ignore_unknown else ["        count += 1"]
        lines += [f"    {line}" for line in _converted(n, coders[n].decode_test, f"decode{n}", field.name)] or ["        pass"]
    if not ignore_unknown:
        lines += ["    if len(raw) != count:", "        raise unknown(raw)"]
    for n, field in required:
        lines += _converted(n, coders[n].decode_test, f"decode{n}", field.name)
    return [*lines, *_construction(numbered)]


def _construction(numbered: Sequence[tuple[int, Field]]) -> list[str]:
    arguments: list[str] = []
    lines: list[str] = []
    by_keyword = False
    for n, field in numbered:
        if field.left_to_class:
            lines += [f"    if v{n} is not MISSING:", f"        more[{field.parameter!r}] = v{n}"]
            by_keyword = True
        else:
            by_keyword = by_keyword or field.keyword_only
            arguments.append(f"{field.parameter}=v{n}" if by_keyword else f"v{n}")
    if lines:
        lines.insert(0, "    more = {}")
        arguments.append("**more")
    return [
        *lines,
        "    try:",
        f"        return cls({', '.join(arguments)})",
        "    except Exception as error:",
        "        raise refused(error) from error",
    ]


def _converted(n: int, test: str | None, function: str, name: str) -> list[str]:
    if test == "True":
        return []
    call = ["try:", f"    v{n} = {function}(v{n})", "except Misfit as misfit:", f"    misfit.under({key_segment(name)!r})", "    raise"]
    if test is None:
        return [f"    {line}" for line in call]
    return [f"    if not ({test.format(v=f'v{n}')}):", *(f"        {line}" for line in call)]


def _encoder_names(cls: type, coders: Sequence[Coder]) -> dict[str, object]:
    def foreign(value: object) -> Misfit:
        if isinstance(value, cls):
            would_be = f"{an(type(value))} in a place for {cls.__name__} would come back as {an(cls)}"
            return Misfit(f"{would_be}; annotate the field with a union")
        return unfit(value, an(cls))

    names: dict[str, object] = {"cls": cls, "foreign": foreign, "Misfit": Misfit}
    return names | {f"encode{n}": coder.encode for n, coder in enumerate(coders)}


def _decoder_names(cls: type, shape: Shape, coders: Sequence[Coder]) -> dict[str, object]:
    known = {field.name for field in shape.fields}

    def absent(name: str, raw: dict[str, object]) -> Misfit:
        problem, extra = "the field is missing and has no default", _unknown_fields(raw, known)
        if extra:
            stored = ", ".join(map(repr, extra))
            problem += f"; stored is {stored}, which {cls.__name__} does not have: a field that was renamed has to keep its stored name"
        return Misfit(problem, key_segment(name))

    def unknown(raw: dict[str, object]) -> Misfit:
        listed = ", ".join(sorted(known)) or "none"
        return Misfit(f"{cls.__name__} has no such field (it has: {listed})", key_segment(_unknown_fields(raw, known)[0]))

    def refused(error: Exception) -> Misfit:
        return Misfit(f"{cls.__name__} refused its fields: {type(error).__name__}: {error}")

    defaults = {f"default{n}": field.default for n, field in enumerate(shape.fields) if field.default is not None}
    names: dict[str, object] = {
        "cls": cls,
        "unread": unread,
        "absent": absent,
        "unknown": unknown,
        "refused": refused,
        "Misfit": Misfit,
        "MISSING": MISSING,
    }
    return names | defaults | {f"decode{n}": coder.decode for n, coder in enumerate(coders)}


def _unknown_fields(raw: dict[str, object], known: Collection[str]) -> list[str]:
    return [name for name in raw if name not in known]


def _generate(function: str, cls: type, lines: Sequence[str], names: dict[str, object]) -> Function:
    source = "\n".join(lines) + "\n"
    file = f"<eventcore {function} {cls.__module__}.{cls.__qualname__}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)  # so that tracebacks show the generated lines
    exec(compile(source, file, "exec"), names)  # noqa: S102  # made of field names, which are identifiers, and of our own expressions
    return cast("Callable[[Any], Any]", names[function])
