"""libcst expressions to the expressions of `syntax`."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Mapping
from typing import Final, final

import libcst as cst
from libcst.metadata import CodeRange

from eventcore_codegen.diagnostics import START, Span
from eventcore_codegen.scan import tree
from eventcore_codegen.scan.chains import NestedTooDeeply, refuse_depth
from eventcore_codegen.scan.syntax import Call, Constant, Either, Expr, ListOf, Name, Subscript, Unreadable

_TYPE_KEYWORDS: Final = frozenset({"events"})


@final
class ExpressionReader:
    """Reads expressions of one module. Where *positions* is None, everything is at *place*."""

    def __init__(self, module: cst.Module, positions: Mapping[cst.CSTNode, CodeRange] | None, place: Span = START) -> None:
        self._module = module
        self._positions = positions
        self._place = place

    def span(self, node: cst.CSTNode) -> Span:
        if self._positions is None:
            return self._place
        found = self._positions[node]
        return Span(found.start.line, found.start.column + 1, found.end.line, found.end.column + 1)

    def type_of(self, node: cst.BaseExpression) -> Expr:
        """Read an annotation or the right side of an alias: texts in it are types in quotes."""
        match node:
            case cst.SimpleString() | cst.ConcatenatedString():
                return self._quoted(node)
            case cst.Subscript():
                return self._subscript(node)
            case cst.BinaryOperation(operator=cst.BitOr(), left=left, right=right):
                return Either((*_members(self.type_of(left)), *_members(self.type_of(right))), self.span(node))
            case cst.List(elements=elements):
                return ListOf(tuple(self.type_of(element.value) for element in elements), self.span(node))
            case _:
                return self._plain(node)

    def value_of(self, node: cst.BaseExpression) -> Expr:
        """Read an expression that is evaluated: texts in it are texts, but for the types in ``events=``."""
        match node:
            case cst.SimpleString() | cst.ConcatenatedString():
                match node.evaluated_value:
                    case str() as value:
                        return Constant(self._text(node), value, self.span(node))
                    case bytes():
                        return Constant(self._text(node), None, self.span(node))
                    case _:
                        return self._unreadable(node)
            case cst.Call():
                return self._call(node)
            case cst.UnaryOperation(operator=cst.Minus(), expression=cst.Integer() as number):
                return Constant(self._text(node), -_whole(number), self.span(node))
            case _:
                return self._plain(node)

    def _plain(self, node: cst.BaseExpression) -> Expr:
        match node:
            case cst.Name(value="None" | "True" | "False" as text):
                return Constant(text, None, self.span(node))
            case cst.Name() | cst.Attribute():
                name = _dotted(node)
                return Name(name, self.span(node)) if name else self._unreadable(node)
            case cst.Integer():
                return Constant(self._text(node), _whole(node), self.span(node))
            case cst.Ellipsis():
                return Constant("...", None, self.span(node))
            case cst.Tuple(elements=[]):
                return Constant("()", None, self.span(node))
            case _:
                return self._unreadable(node)

    def _quoted(self, node: cst.SimpleString | cst.ConcatenatedString) -> Expr:
        value = node.evaluated_value
        if not isinstance(value, str):
            return self._unreadable(node)
        try:
            # Python first, as for a whole source: libcst's parser crashes on nesting that Python refuses.
            with warnings.catch_warnings(action="ignore"):
                refuse_depth(ast.parse(value.strip(), mode="eval"))
            inner = cst.parse_expression(value.strip())
        # A text may hold NUL, and half of a surrogate pair, which no source can.
        except (SyntaxError, ValueError, RecursionError, MemoryError, NestedTooDeeply, cst.ParserSyntaxError):
            return Unreadable(self._text(node), self.span(node), is_no_python=True)
        return ExpressionReader(self._module, None, self.span(node)).type_of(inner)

    def _subscript(self, node: cst.Subscript) -> Expr:
        base = self.type_of(node.value)
        kind = base.text.rpartition(".")[2] if isinstance(base, Name) else ""
        items: list[Expr] = []
        for number, item in enumerate(_subscripts(node)):
            if item is None:
                return self._unreadable(node)
            is_value = kind == "Literal" or (kind == "Annotated" and number > 0)
            items.append(self.value_of(item) if is_value else self.type_of(item))
        return Subscript(base, tuple(items), self.span(node))

    def _call(self, node: cst.Call) -> Expr:
        arguments: list[Expr] = []
        keywords: dict[str, Expr] = {}
        for argument in node.args:
            if argument.star:
                arguments.append(self._unreadable(argument.value))
            elif argument.keyword is None:
                arguments.append(self.value_of(argument.value))
            else:
                name = argument.keyword.value
                keywords[name] = self.type_of(argument.value) if name in _TYPE_KEYWORDS else self.value_of(argument.value)
        return Call(self.value_of(node.func), tuple(arguments), keywords, self.span(node))

    def _unreadable(self, node: cst.BaseExpression) -> Unreadable:
        return Unreadable(self._text(node), self.span(node))

    def _text(self, node: cst.CSTNode) -> str:
        return self._module.code_for_node(node)


def _subscripts(node: cst.Subscript) -> list[cst.BaseExpression | None]:
    """Return what stands in the brackets, in ``[(A, B)]`` as in ``[A, B]``, which Python takes for the same; None for slices and what has a star."""
    match node.slice:
        case [cst.SubscriptElement(slice=cst.Index(value=cst.Tuple(elements=[_, *_] as elements), star=None))]:
            return [element.value if isinstance(element, cst.Element) else None for element in elements]
        case found:
            return [
                element.slice.value if isinstance(element.slice, cst.Index) and element.slice.star is None else None for element in found
            ]


def _members(expression: Expr) -> tuple[Expr, ...]:
    return expression.members if isinstance(expression, Either) else (expression,)


def _dotted(node: cst.BaseExpression) -> str:
    """Return ``a.b.c`` for a chain of plain names, else an empty text."""
    match node:
        case cst.Name(value=name):
            return tree.identifier(name)
        case cst.Attribute(value=value, attr=attribute):
            outer = _dotted(value)
            return f"{outer}.{tree.identifier(attribute.value)}" if outer else ""
        case _:
            return ""


def _whole(node: cst.Integer) -> int:
    return int(node.value.replace("_", ""), 0)
