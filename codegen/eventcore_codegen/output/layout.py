"""Code in lines of at most 88 characters, broken where and how the formatters of the field break it, so that theirs have nothing to change.

What does not fit on a line is written one item per line with a comma after the last.
"""

from __future__ import annotations

from typing import Final, TypeAlias, final

import attrs

WIDTH: Final = 88
_STEP: Final = 4


@final
@attrs.frozen
class Group:
    """Items in brackets: a call, a tuple, a subscript, a dict. *head* ends with the opening bracket, *tail* is the closing one."""

    head: str
    items: tuple[Code, ...]
    tail: str
    flat: str = attrs.field(default=attrs.Factory(lambda self: self._on_one_line(), takes_self=True), init=False, eq=False, repr=False)
    """All of it on one line. Kept, as in the others: asked for again at each depth it would cost more than all the rest."""

    def _on_one_line(self) -> str:
        if self.head == "(" and len(self.items) == 1:
            return f"({flat(self.items[0])},)"
        return f"{self.head}{', '.join(map(flat, self.items))}{self.tail}"


@final
@attrs.frozen
class Chain:
    """Operands joined by one operator, ``|`` or ``and``, or the three parts of a conditional expression: broken before each operator."""

    operands: tuple[Code, ...]
    operators: tuple[str, ...]
    flat: str = attrs.field(default=attrs.Factory(lambda self: self._on_one_line(), takes_self=True), init=False, eq=False, repr=False)

    def _on_one_line(self) -> str:
        rest = "".join(f" {operator} {flat(operand)}" for operator, operand in zip(self.operators, self.operands[1:], strict=True))
        return f"{flat(self.operands[0])}{rest}"


@final
@attrs.frozen
class Keyed:
    """``key=value`` or ``"key": value`` inside of a `Group`; *key* with its sign."""

    key: str
    value: Code
    flat: str = attrs.field(default=attrs.Factory(lambda self: self._on_one_line(), takes_self=True), init=False, eq=False, repr=False)

    def _on_one_line(self) -> str:
        return f"{self.key}{flat(self.value)}"


Code: TypeAlias = str | Group | Chain | Keyed


def union(members: tuple[Code, ...]) -> Code:
    return members[0] if len(members) == 1 else Chain(members, ("|",) * (len(members) - 1))


def call(function: str, *arguments: Code) -> Group:
    return Group(f"{function}(", arguments, ")")


def tuple_of(items: tuple[Code, ...]) -> Group:
    return Group("(", items, ")")


def subscript(name: str, *items: Code) -> Group:
    return Group(f"{name}[", items, "]")


def flat(code: Code) -> str:
    """Return *code* on one line, however long."""
    return code if isinstance(code, str) else code.flat


def statement(prefix: str, code: Code, *, indent: int = 0, suffix: str = "") -> str:
    """Return the lines of a statement: *prefix* (``name = ``, ``name: ``), *code* in parentheses where it needs some, *suffix*."""
    margin = " " * indent
    line = f"{margin}{prefix}{flat(code)}{suffix}"
    if len(line) <= WIDTH:
        return line
    if isinstance(code, Group) and (len(f"{margin}{prefix}{code.head}") <= WIDTH or not prefix.endswith("= ")):
        return "\n".join(_broken(prefix, code, suffix, indent))
    inner = _lines("", code, "", indent + _STEP)
    # Parentheses around what does not fit even in them would only be noise.
    if not isinstance(code, Chain) and any(len(inner_line) > WIDTH for inner_line in inner):
        return line if isinstance(code, str) else "\n".join(_lines(prefix, code, suffix, indent))
    return "\n".join([f"{margin}{prefix}(", *inner, f"{margin}){suffix}"])


def explode(prefix: str, group: Group, *, indent: int) -> str:
    """Return the lines of a statement with one item per line, even if it would fit on one."""
    return "\n".join(_broken(prefix, group, "", indent))


def _lines(prefix: str, code: Code, suffix: str, indent: int) -> list[str]:
    """Return the lines of *code* inside of brackets."""
    line = f"{' ' * indent}{prefix}{flat(code)}{suffix}"
    if len(line) <= WIDTH or isinstance(code, str):
        return [line]
    if isinstance(code, Keyed):
        return _lines(f"{prefix}{code.key}", code.value, suffix, indent)
    return _broken(prefix, code, suffix, indent)


def _broken(prefix: str, code: Group | Chain, suffix: str, indent: int) -> list[str]:
    margin = " " * indent
    if isinstance(code, Chain):
        last = len(code.operands) - 1
        heads = (prefix, *(f"{operator} " for operator in code.operators))
        parts = enumerate(zip(heads, code.operands, strict=True))
        return [line for number, (head, operand) in parts for line in _lines(head, operand, suffix if number == last else "", indent)]
    # A comma after the only item of a subscript would make a tuple of it.
    comma = "" if code.tail == "]" and len(code.items) == 1 else ","
    inner = [line for item in code.items for line in _lines("", item, comma, indent + _STEP)]
    return [f"{margin}{prefix}{code.head}", *inner, f"{margin}{code.tail}{suffix}"]


def text_literal(text: str) -> str:
    """Return *text* as a Python literal in the quotes that need fewer escapes, double ones first."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    escaped = text.replace("\\", "\\\\").replace(quote, f"\\{quote}")
    return f"{quote}{escaped}{quote}"
