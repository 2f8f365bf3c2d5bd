"""What the body of a method does with names and with its streams, read from Python's own syntax tree: many times faster than a libcst visitor.

Nothing is resolved here. Where a reading would be a guess, the body counts as one that may do anything with its streams.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from typing import Final, TypeAlias, final

from eventcore_codegen.scan.places import Places
from eventcore_codegen.scan.syntax import Awaited, BodySyntax, Constructed, Mention

_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_READING: Final = frozenset({"id", "ids", "keys", "version"})
"""What can be asked of a stream without writing it."""
_SEES_ALL: Final = frozenset({"eval", "exec", "globals", "locals", "vars"})


def bodies(module: ast.Module, names: Collection[str], places: Places) -> Mapping[tuple[str, int], BodySyntax]:
    """Return the bodies of the functions called one of *names*, by name and line."""
    functions = (node for node in ast.walk(module) if isinstance(node, _Function) and node.name in names)
    return {(function.name, function.lineno): _BodyReader(function, places).read() for function in functions}


@final
class _BodyReader:
    def __init__(self, function: _Function, places: Places) -> None:
        parameters = [*function.args.posonlyargs, *function.args.args]
        self._function = function
        self._places = places
        self._self = parameters[0].arg if parameters else ""
        self._streams = parameters[1].arg if len(parameters) > 1 else ""
        self._parameters = {parameter.arg for parameter in parameters}
        self._imported, bound = _local_names(function)
        self._local_functions = _function_names(function)
        self._locals = self._parameters | bound
        # A decorator may hand the streams to anything; a name that is bound again is no longer what it was.
        decorated = any(_last_name(decorator) != "override" for decorator in function.decorator_list)
        self._is_visible = bool(self._streams) and not decorated and self._streams not in bound
        self._written: set[str] = set()
        self._constructed: list[Constructed] = []
        self._mentions: list[Mention] = []
        self._awaits: list[Awaited] = []

    def read(self) -> BodySyntax:
        for statement in self._function.body:
            self._visit(statement)
        return BodySyntax(
            yields=_yields(self._function),
            is_stub=all(map(_says_nothing, self._function.body)),
            mentions=tuple(self._mentions),
            awaits=tuple(self._awaits),
            written=frozenset(self._written) if self._is_visible else None,
            constructed=tuple(self._constructed),
        )

    # --- the walk

    def _visit(self, node: ast.AST) -> None:
        match node:
            case ast.Attribute() | ast.Subscript() | ast.Name():
                self._visit_value(node)
            case ast.Call():
                self._visit_call(node)
            case ast.Compare(ops=ops) if all(isinstance(op, ast.Is | ast.IsNot | ast.In | ast.NotIn) for op in ops):
                for part in (node.left, *node.comparators):
                    self._visit_test(part)
            case ast.If(test=asked) | ast.While(test=asked) | ast.IfExp(test=asked) | ast.Assert(test=asked):
                self._visit_test(asked)
                self._visit_children(node, but=asked)
            case ast.For(iter=asked) | ast.comprehension(iter=asked):
                # A loop over streams gets their ids.
                self._visit_test(asked)
                self._visit_children(node, but=asked)
            case ast.Await() | ast.AsyncWith() | ast.AsyncFor():
                self._visit_waiting(node)
            case ast.AnnAssign(annotation=annotation):
                self._visit_children(node, but=annotation)
            case ast.arg():
                pass  # an annotation is not evaluated for what it does
            case _:
                self._visit_children(node)

    def _visit_waiting(self, node: ast.Await | ast.AsyncWith | ast.AsyncFor) -> None:
        match node:
            case ast.Await(value=value) | ast.AsyncFor(iter=value):
                self._await(value)
            case ast.AsyncWith(items=items):
                for item in items:
                    self._await(item.context_expr)
        self._visit_children(node)

    def _visit_children(self, node: ast.AST, *, but: ast.AST | None = None) -> None:
        returns = node.returns if isinstance(node, _Function) else None
        for child in ast.iter_child_nodes(node):
            if child is not but and child is not returns:
                self._visit(child)

    def _visit_test(self, node: ast.expr) -> None:
        """Visit what is only asked whether it is there."""
        match node:
            case ast.BoolOp(values=values):
                for value in values:
                    self._visit_test(value)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                self._visit_test(operand)
            case _ if self._stream_of(node):
                self._visit_keys(node)
            case _:
                self._visit(node)

    def _visit_value(self, node: ast.Attribute | ast.Subscript | ast.Name) -> None:
        stream = self._stream_of(node)
        owner = self._stream_of(node.value) if isinstance(node, ast.Attribute) else ""
        chain = _chain(node)
        if owner and isinstance(node, ast.Attribute):
            if node.attr not in _READING:
                self._written.add(owner)
            self._visit_keys(node.value)
        elif stream:
            self._written.add(stream)
            self._visit_keys(node)
        elif not chain:
            self._visit_children(node)
        elif chain[0] == self._streams:
            self._is_visible = False
        else:
            self._mention(chain, node)

    def _visit_keys(self, node: ast.AST) -> None:
        """Visit what stands in the brackets of ``streams.products[...]``."""
        if isinstance(node, ast.Subscript):
            self._visit(node.slice)

    def _visit_call(self, node: ast.Call) -> None:
        chain = _chain(node.func)
        if chain and self._stream_of(node.func) == "" and chain[0] != self._streams:
            self._mention(chain, node.func, bare=not node.args and not node.keywords)
        else:
            self._visit(node.func)
        arguments = list(node.args)
        if chain and len(arguments) > 1 and self._is_streams(arguments[0]):
            self._construct(chain, arguments[1])
            arguments = arguments[1:]
        for argument in arguments:
            self._visit(argument)
        for keyword in node.keywords:
            self._visit(keyword.value)

    # --- streams

    def _is_streams(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Name) and node.id == self._streams

    def _stream_of(self, node: ast.AST) -> str:
        """Return ``x`` for ``streams.x`` and ``streams.x[...]``, else an empty text."""
        inner = node.value if isinstance(node, ast.Subscript) else node
        match inner:
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name == self._streams and not attribute.startswith("__"):
                return attribute
            case _:
                return ""

    def _construct(self, function: tuple[str, ...], stream_id: ast.expr) -> None:
        """Note the founding chapter's ``StreamWrite(streams, self.cart, event)``."""
        match stream_id:
            case ast.Attribute(value=ast.Name(id=name), attr=field) if name == self._self:
                pass
            case ast.Attribute(value=value, attr="id") if self._stream_of(value):
                field = self._stream_of(value)
            case _:
                field = ""
        text = self._outer_name(function)
        if text is None or not field:
            self._is_visible = False
        else:
            self._constructed.append(Constructed(text, field))

    # --- names

    def _mention(self, chain: tuple[str, ...], node: ast.AST, *, bare: bool = False) -> None:
        if chain[0] in _SEES_ALL and chain[0] not in self._locals:
            self._is_visible = False
        text = self._outer_name(chain)
        if text is not None:
            self._mentions.append(Mention(text, self._places.span(node), is_bare_call=bare))

    def _outer_name(self, chain: tuple[str, ...]) -> str | None:
        """Return a name as the module would say it; one that is imported here begins with a colon: it is whole. None for local names."""
        head, *rest = chain
        imported = self._imported.get(head)
        if imported is not None:
            return ".".join([f":{imported}", *rest])
        return None if head in self._locals else ".".join(chain)

    def _await(self, value: ast.AST) -> None:
        if not isinstance(value, ast.Call):
            return
        chain = _chain(value.func)
        if chain:
            text = self._outer_name(chain)
            on_object = len(chain) > (2 if chain[0] == self._self else 1)
            if text is None and (not on_object or chain[0] in self._parameters - {self._self} or chain[0] in self._local_functions):
                return
            self._awaits.append(Awaited(text, ".".join(chain), self._places.span(value)))
        elif isinstance(value.func, ast.Attribute):
            self._await(value.func.value)


def _chain(node: ast.AST) -> tuple[str, ...]:
    """Return the names of ``a.b.c``; nothing for other expressions."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return (node.id, *reversed(names)) if isinstance(node, ast.Name) else ()


def _last_name(node: ast.AST) -> str:
    chain = _chain(node)
    return chain[-1] if chain else ""


def _local_names(function: _Function) -> tuple[Mapping[str, str], set[str]]:
    """Return the names that imports in a function bind, with what they stand for, and all names that it binds, but for its parameters."""
    imported: dict[str, str] = {}
    bound: set[str] = set()
    for statement in function.body:
        for node in ast.walk(statement):
            match node:
                case ast.Import(names=aliases):
                    for alias in aliases:
                        head = alias.asname or alias.name.partition(".")[0]
                        imported[head] = alias.name if alias.asname else head
                case ast.ImportFrom(module=str(module), level=0, names=aliases):
                    imported |= {alias.asname or alias.name: f"{module}.{alias.name}" for alias in aliases}
                case ast.ImportFrom(names=aliases):
                    bound |= {alias.asname or alias.name for alias in aliases}
                case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
                    bound.add(name)
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                    bound.add(name)
                case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                    bound.add(name)
                case ast.MatchMapping(rest=str(name)):
                    bound.add(name)
                case _:
                    pass
    return {name: target for name, target in imported.items() if name not in bound}, bound | imported.keys()


def _function_names(function: _Function) -> set[str]:
    return {node.name for node in ast.walk(function) if isinstance(node, _Function)}


def _says_nothing(statement: ast.stmt) -> bool:
    """Tell whether a statement is one of those that stand in for a body that is still to be written."""
    match statement:
        case ast.Pass() | ast.Raise() | ast.Expr(value=ast.Constant() | ast.Yield(value=None)):
            return True
        case ast.Return(value=None | ast.Constant() | ast.List(elts=[]) | ast.Tuple(elts=[])):
            return True
        case _:
            return False


def _yields(function: _Function) -> bool:
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, _SCOPES):
            waiting.extend(ast.iter_child_nodes(node))
    return False
