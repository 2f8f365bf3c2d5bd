"""Walks over libcst's statements, without libcst's visitors where those would look at every expression."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import libcst as cst


def blocks(statement: cst.CSTNode) -> Iterator[cst.BaseSuite]:
    """Yield the blocks of a compound statement that run in the scope it stands in."""
    match statement:
        case cst.If(body=body, orelse=orelse) | cst.For(body=body, orelse=orelse) | cst.While(body=body, orelse=orelse):
            yield body
            if isinstance(orelse, cst.If):
                yield from blocks(orelse)
            elif orelse is not None:
                yield orelse.body
        case cst.With(body=body):
            yield body
        case cst.Try() | cst.TryStar():
            yield statement.body
            for part in (*statement.handlers, statement.orelse, statement.finalbody):
                if part is not None:
                    yield part.body
        case cst.Match(cases=cases):
            for case in cases:
                yield case.body
        case _:
            pass


def statements(body: cst.BaseSuite | cst.Module, *, into_functions: bool = False) -> Iterator[cst.CSTNode]:
    """Yield the statements below *body*, small ones one by one, in the order of the source; functions' own only with *into_functions*."""
    for statement in body.body:
        if isinstance(statement, cst.SimpleStatementLine):
            yield from statement.body
            continue
        yield statement
        for block in blocks(statement):
            yield from statements(block, into_functions=into_functions)
        if into_functions and isinstance(statement, cst.FunctionDef):
            yield from statements(statement.body, into_functions=True)


def targets(statement: cst.CSTNode) -> Iterator[cst.Name]:
    """Yield the names that the head of a compound statement binds."""
    match statement:
        case cst.For(target=target):
            yield from names_in(target)
        case cst.With(items=items):
            for item in items:
                if item.asname is not None:
                    yield from names_in(item.asname.name)
        case cst.Try(handlers=handlers) | cst.TryStar(handlers=handlers):
            for handler in handlers:
                if handler.name is not None:
                    yield from names_in(handler.name.name)
        case _:
            pass


def names_in(target: cst.CSTNode) -> Iterator[cst.Name]:
    """Yield the names that assigning to *target* binds."""
    match target:
        case cst.Name():
            yield target
        case cst.Tuple(elements=elements) | cst.List(elements=elements):
            for element in elements:
                yield from names_in(element.value)
        case _:
            pass


def assigned(target: cst.CSTNode, value: cst.BaseExpression) -> Iterator[tuple[cst.Name, cst.BaseExpression | None]]:
    """Yield the names that assigning *value* to *target* binds, with what each is bound to; None where that cannot be seen."""
    match target, value:
        case cst.Name(), _:
            yield target, value
        case cst.Tuple(elements=names), cst.Tuple(elements=values) if len(names) == len(values) and not any(
            map(_is_starred, (*names, *values))
        ):
            for element, part in zip(names, values, strict=True):
                yield from assigned(element.value, part.value)
        case _:
            for name in names_in(target):
                yield name, None


def keyword(call: cst.Call, name: str) -> cst.BaseExpression | None:
    """Return the argument that a call is given by *name*."""
    return next((argument.value for argument in call.args if argument.keyword is not None and argument.keyword.value == name), None)


def _is_starred(element: cst.BaseElement) -> bool:
    return isinstance(element, cst.StarredElement)


def called(value: cst.BaseExpression) -> Iterator[cst.BaseExpression]:
    """Yield what is called anywhere in an expression."""
    waiting: list[cst.CSTNode] = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, cst.Call):
            yield node.func
        waiting.extend(reversed(node.children))


def identifier(name: str) -> str:
    """Return *name* as Python takes it: identifiers that look alike are one."""
    return name if name.isascii() else unicodedata.normalize("NFKC", name)


def is_type_checking(test: cst.BaseExpression) -> bool:
    match test:
        case cst.Name(value="TYPE_CHECKING") | cst.Attribute(attr=cst.Name(value="TYPE_CHECKING")):
            return True
        case _:
            return False


def is_not_type_checking(test: cst.BaseExpression) -> bool:
    return isinstance(test, cst.UnaryOperation) and isinstance(test.operator, cst.Not) and is_type_checking(test.expression)


def type_parameters(node: cst.ClassDef | cst.TypeAlias) -> tuple[str, ...]:
    parameters = node.type_parameters
    return () if parameters is None else tuple(parameter.param.name.value for parameter in parameters.params)


def defaults(node: cst.TypeAlias) -> Iterator[tuple[str, cst.BaseExpression]]:
    """Yield the type parameters that have a default, with it."""
    for parameter in () if node.type_parameters is None else node.type_parameters.params:
        if parameter.default is not None:
            yield parameter.param.name.value, parameter.default


def declares(module: cst.Module) -> bool:
    """Tell whether a module holds decorated classes or star imports, the places that diagnostics point at."""
    for statement in statements(module, into_functions=True):
        match statement:
            case cst.ClassDef(decorators=[_, *_]) | cst.ImportFrom(names=cst.ImportStar()):
                return True
            case cst.ClassDef(body=body) if _holds_classes(body):
                return True
            case _:
                pass
    return False


def _holds_classes(body: cst.BaseSuite) -> bool:
    return any(isinstance(statement, cst.ClassDef | cst.FunctionDef) for statement in statements(body))
