"""The write validator of one command: straight-line code, one test for each field that may be written."""

from __future__ import annotations

from typing import final

import attrs

from eventcore_codegen.model import NONE, Command, StreamField
from eventcore_codegen.output.layout import WIDTH, Chain, Code, Group, Keyed, call, statement, text_literal, tuple_of
from eventcore_codegen.output.namespace import Namespace


@final
@attrs.frozen
class ValidatorText:
    """*unpack* and *places* set its locals, *ways* are the tests, *accepted* is one good write, *refusal* the error for any other.

    *ways* is empty where the command writes nothing; then every write is refused.
    """

    head: str
    unpack: str
    places: list[str]
    valid: str
    is_write: str
    ways: list[str]
    accepted: str
    refusal: str


def validator_text(command: Command, streams_class: str, name: str, names: Namespace) -> ValidatorText:
    valid_write = names.runtime("eventcore.typed", "ValidWrite")
    written = [stream for stream in command.streams if not stream.read_only]
    return ValidatorText(
        head=_head(streams_class, name, names, valid_write),
        unpack=_unpack(command),
        places=[_place(stream) for stream in command.streams if _has_local(stream)],
        valid=f"    valid: list[{valid_write}] = []",
        is_write=names.runtime("eventcore.typed", "is_write") if written else "",
        ways=[_way(stream, is_first=stream is written[0]) for stream in written],
        accepted=statement("", call("valid.append", call(valid_write, "write.stream_id", "event_type", "write.event")), indent=16),
        refusal=_refusal(command, names),
    )


def _head(streams_class: str, name: str, names: Namespace, valid_write: str) -> str:
    iterable = names.runtime("collections.abc", "Iterable")
    accepts = f"{names.runtime('collections.abc', 'Sequence')}[{names.runtime('eventcore.typed', 'Accepts')}]"
    parameters = (f"streams: {streams_class}", f"writes: {iterable}[object]", f"accepts: {accepts}")
    return statement("", call(f"def {name}", *parameters), suffix=f" -> list[{valid_write}]:")


def _unpack(command: Command) -> str:
    locals_ = [f"{stream.name}_events" for stream in command.streams]
    line = f"    {', '.join(locals_)} = accepts"
    if len(locals_) > 1 and len(line) <= WIDTH:
        return line
    return statement("", tuple_of(tuple(locals_)), indent=4, suffix=" = accepts")


def _has_local(stream: StreamField) -> bool:
    return not stream.read_only or stream.kind == "optional"


def _place(stream: StreamField) -> str:
    member = f"streams.{stream.name}"
    match stream.kind:
        case "one":
            return statement(f"{stream.name}_id = ", f"{member}.id", indent=4)
        case "optional":
            ids = Chain(("()", f"{member} is {NONE}", f"({member}.id,)"), ("if", "else"))
            return statement(f"{stream.name}_ids = ", ids, indent=4)
        case _:
            return statement(f"{stream.name}_ids = ", f"{member}.ids", indent=4)


def _way(stream: StreamField, *, is_first: bool) -> str:
    test = (
        Chain(("write.stream_id", f"{stream.name}_id"), ("==",))
        if stream.kind == "one"
        else Chain(("write.stream_id", f"{stream.name}_ids"), ("in",))
    )
    # A stream may be reached by two fields; one that takes the event is enough.
    condition: Code = test if is_first else Chain(("event_type is None", test), ("and",))
    lookup = call(f"{stream.name}_events.get", call("type", "write.event"))
    return "\n".join([statement("if ", condition, indent=12, suffix=":"), statement("event_type = ", lookup, indent=16)])


def _refusal(command: Command, names: Namespace) -> str:
    fields = Group("{", tuple(map(_field, command.streams)), "}")
    refused = call(names.runtime("eventcore.typed", "refused_write"), text_literal(command.ref.qualname), "streams", "write", fields)
    return statement("raise ", refused, indent=8)


def _field(stream: StreamField) -> Keyed:
    if stream.kind == "one":
        ids: Code = tuple_of((f"{stream.name}_id" if _has_local(stream) else f"streams.{stream.name}.id",))
    else:
        ids = f"{stream.name}_ids" if _has_local(stream) else f"streams.{stream.name}.ids"
    return Keyed(f"{text_literal(stream.name)}: ", tuple_of((str(not stream.read_only), ids, f"{stream.name}_events")))
