"""Source text to `ModuleSyntax`, by libcst. The only module that sees libcst nodes, besides `expressions`."""

from __future__ import annotations

import ast
import contextlib
import sys
import warnings
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal, cast, final

import attrs
import libcst as cst
from libcst.helpers import get_full_name_for_node_or_raise
from libcst.metadata import CodeRange, PositionProvider

from eventcore_codegen.diagnostics import START, Span
from eventcore_codegen.model import Ignore
from eventcore_codegen.scan import tree
from eventcore_codegen.scan.annotated import annotated_only
from eventcore_codegen.scan.answers import answers
from eventcore_codegen.scan.bodies import bodies
from eventcore_codegen.scan.chains import NestedTooDeeply, without_chains
from eventcore_codegen.scan.expressions import ExpressionReader
from eventcore_codegen.scan.fingerprints import fingerprints
from eventcore_codegen.scan.ids import made_ids
from eventcore_codegen.scan.ignores import ignores
from eventcore_codegen.scan.places import Places
from eventcore_codegen.scan.syntax import (
    Alias,
    Binding,
    BodySyntax,
    Bound,
    ClassSyntax,
    Constant,
    Either,
    Field,
    ImportedModule,
    ImportedName,
    MadeIdSyntax,
    Method,
    ModuleSyntax,
    Name,
    Opaque,
    Parameter,
    Star,
    Subscript,
    SyntaxFault,
    TypeVariable,
)
from eventcore_codegen.sources.files import split_lines

_DEEP: Final = 15_000
_JUDGED: Final = frozenset({"handle", "initial", "apply"})
"""The methods of which the bodies are looked into."""
_NO_PYTHON: Final = "this is no Python"
_TOO_DEEP: Final = "this is nested too deeply to be read; write a union of thousands as `Union[A, B, ...]`, or as one of several unions"


def parse(text: str) -> ModuleSyntax | SyntaxFault:
    """Return what *text* says, or what is wrong with it."""
    checked = _python_parse(text)
    if isinstance(checked, SyntaxFault):
        return checked
    lines = split_lines(text)
    places = Places(lines)
    try:
        module = cst.parse_module(without_chains(text, checked, places))
        with _deep_recursion():
            reader = _ModuleReader(
                module, bodies(checked, _JUDGED, places), answers(checked, places), fingerprints(checked, lines), annotated_only(checked)
            )
            return reader.read(tuple(made_ids(checked, places)), tuple(ignores(text)))
    except cst.ParserSyntaxError as error:
        return SyntaxFault(
            f"{_NO_PYTHON}: {error.message}", Span(error.editor_line, error.editor_column, error.editor_line, error.editor_column + 1)
        )
    except NestedTooDeeply as fault:
        return SyntaxFault(_TOO_DEEP, places.span(fault.node))
    except (RecursionError, KeyError) as error:
        met = _behind(error)
        if not isinstance(met, RecursionError):
            raise met from None
        return SyntaxFault(_TOO_DEEP, START)


def _behind(error: BaseException) -> BaseException:
    """Return what happened in truth: what interrupts libcst while it makes its position tables, Ctrl-C too, ends in a KeyError of these."""
    while isinstance(error, KeyError) and error.__context__ is not None:
        error = error.__context__
    return error


def _python_parse(text: str) -> ast.Module | SyntaxFault:
    """Ask Python first: its messages are better than libcst's, and libcst's parser crashes on nesting that Python refuses."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        line, column = error.lineno or 1, max(error.offset or 1, 1)
        end_column = error.end_offset if error.end_lineno == line and error.end_offset and error.end_offset > column else column + 1
        return SyntaxFault(f"{_NO_PYTHON}: {error.msg}", Span(line, column, line, end_column))
    except (RecursionError, MemoryError):
        return SyntaxFault(_TOO_DEEP, _deep_place(text))
    except ValueError as error:
        return SyntaxFault(f"{_NO_PYTHON}: {error}", START)


def _deep_place(text: str) -> Span:
    """Return the first statement at module level that is too deep for Python itself, which does not say where that is."""
    lines = split_lines(text)
    starts = [number for number, line in enumerate(lines, 1) if line[:1].isidentifier() or line.startswith("@")]
    for start, end in zip(starts, [*starts[1:], len(lines) + 1], strict=True):
        try:
            ast.parse("\n".join(lines[start - 1 : end - 1]))
        except SyntaxError:
            continue  # half of a statement
        except (RecursionError, MemoryError):
            return Span(start, 1, start, len(lines[start - 1]) + 1)
    return START


@contextlib.contextmanager
def _deep_recursion() -> Generator[None]:
    """Let libcst's recursive visitors go as deep as Python's own parser goes."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _DEEP))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


@final
class _ModuleReader:
    def __init__(
        self,
        module: cst.Module,
        bodies: Mapping[tuple[str, int], BodySyntax],
        answers: Mapping[str, tuple[Name, ...]],
        fingerprints: Mapping[str, str],
        annotated_only: Mapping[str, frozenset[str]],
    ) -> None:
        self._bodies = bodies
        self._answers = answers
        self._annotated_only = annotated_only
        self._fingerprints = fingerprints
        self._module = module
        self._expressions = ExpressionReader(module, _positions(module))
        self._span = self._expressions.span
        self._bindings: dict[str, list[Binding]] = {}
        self._stars: list[Star] = []
        self._classes: list[ClassSyntax] = []
        self._local_classes: list[ClassSyntax] = []

    def read(self, made_ids: tuple[MadeIdSyntax, ...], ignores: tuple[Ignore, ...]) -> ModuleSyntax:
        self._read_block(self._module.body, typing_only=False)
        bindings = {name: tuple(found) for name, found in self._bindings.items()}
        return ModuleSyntax(bindings, tuple(self._stars), tuple(self._classes), tuple(self._local_classes), made_ids, ignores)

    def _bind(self, name: str, bound: Bound, node: cst.CSTNode, *, typing_only: bool) -> None:
        self._bindings.setdefault(tree.identifier(name), []).append(Binding(bound, typing_only, self._span(node)))

    def _read_block(self, statements: Iterable[cst.CSTNode], *, typing_only: bool) -> None:
        for statement in statements:
            match statement:
                case cst.SimpleStatementLine(body=small):
                    for part in small:
                        self._read_small(part, typing_only=typing_only)
                case cst.ClassDef():
                    found = self._read_class(statement, "")
                    self._classes.append(found)
                    self._bind(found.name, found, statement.name, typing_only=typing_only)
                case cst.FunctionDef():
                    answers = self._answers.get(tree.identifier(statement.name.value), ())
                    self._bind(statement.name.value, Opaque(returned=answers), statement.name, typing_only=typing_only)
                    self._find_local_classes(statement)
                case cst.If():
                    self._read_if(statement, typing_only=typing_only)
                case _:
                    self._read_compound(statement, typing_only=typing_only)

    def _read_if(self, statement: cst.If, *, typing_only: bool) -> None:
        positive = tree.is_type_checking(statement.test)
        self._read_block(statement.body.body, typing_only=typing_only or positive)
        if isinstance(statement.orelse, cst.If):
            self._read_if(statement.orelse, typing_only=typing_only)
        elif statement.orelse is not None:
            self._read_block(statement.orelse.body.body, typing_only=typing_only or tree.is_not_type_checking(statement.test))

    def _read_compound(self, statement: cst.CSTNode, *, typing_only: bool) -> None:
        for name in tree.targets(statement):
            self._bind(name.value, Opaque(), name, typing_only=typing_only)
        for block in tree.blocks(statement):
            self._read_block(block.body, typing_only=typing_only)

    def _read_small(self, statement: cst.CSTNode, *, typing_only: bool) -> None:
        match statement:
            case cst.Import(names=names):
                for alias in names:
                    self._read_import(alias, typing_only=typing_only)
            case cst.ImportFrom():
                self._read_import_from(statement, typing_only=typing_only)
            case cst.Assign(targets=targets, value=value):
                self._read_assign([target.target for target in targets], value, typing_only=typing_only)
            case cst.AnnAssign(target=cst.Name() as target, value=cst.BaseExpression() as value) if self._is_type_alias(statement):
                self._bind(target.value, Alias(self._expressions.type_of(value)), target, typing_only=typing_only)
            case cst.AnnAssign(target=cst.Name() as target, value=cst.BaseExpression()) | cst.AugAssign(target=cst.Name() as target):
                self._bind(target.value, Opaque(), target, typing_only=typing_only)
            case cst.TypeAlias(name=name):
                self._bind(name.value, self._alias(statement), name, typing_only=typing_only)
            case _:
                pass

    def _is_type_alias(self, statement: cst.AnnAssign) -> bool:
        return self._last_name(statement.annotation.annotation) == "TypeAlias"

    def _last_name(self, node: cst.BaseExpression) -> str:
        """Return the last part of a dotted name; an empty text for anything else."""
        read = self._expressions.type_of(node)
        return read.text.rpartition(".")[2] if isinstance(read, Name) else ""

    def _read_assign(self, targets: Sequence[cst.BaseExpression], value: cst.BaseExpression, *, typing_only: bool) -> None:
        for target in targets:
            for name, part in tree.assigned(target, value):
                bound = Opaque() if part is None else self._named(tree.identifier(name.value), self._alias_or_opaque(part))
                self._bind(name.value, bound, name, typing_only=typing_only)

    def _alias_or_opaque(self, value: cst.BaseExpression) -> Bound:
        if isinstance(value, cst.SimpleString | cst.ConcatenatedString):
            return Opaque()
        if isinstance(value, cst.Call):
            return self._made(value)
        read = self._expressions.type_of(value)
        return Alias(read) if isinstance(read, Name | Subscript | Either) else Opaque()

    def _named(self, name: str, bound: Bound) -> Bound:
        """Return what *name* is bound to: a class that is made under another name cannot be imported by its own."""
        return Opaque() if isinstance(bound, ClassSyntax) and bound.name != name else bound

    def _made(self, call: cst.Call) -> Bound:
        """Return what a call binds: a type variable, an alias, or what nothing is known of."""
        match self._last_name(call.func), call.args:
            case "TypeVar" | "ParamSpec" | "TypeVarTuple", _:
                default = tree.keyword(call, "default")
                return TypeVariable(None if default is None else self._expressions.type_of(default))
            case "TypeAliasType", [_, value, *_]:
                return Alias(self._expressions.type_of(value.value), self._type_params(call))
            case "NewType", [_, value]:
                return Alias(self._expressions.type_of(value.value))
            case "NamedTuple" | "namedtuple" | "TypedDict" | "Enum" | "IntEnum" | "StrEnum" | "Flag" | "IntFlag", [_, _, *_]:
                return self._made_class(call)
            case _:
                maker = self._expressions.value_of(call.func)
                return Opaque(maker if isinstance(maker, Name) else None)

    def _made_class(self, call: cst.Call) -> Bound:
        """Return the class that a call makes, by the name that it is given: nothing but its name is known."""
        name = self._expressions.value_of(call.args[0].value)
        if not isinstance(name, Constant) or not isinstance(name.value, str):
            return Opaque()
        return ClassSyntax(
            name=name.value,
            qualname=name.value,
            decorators=(),
            bases=(self._expressions.value_of(call.func),),
            type_parameters=(),
            fields=(),
            methods=(),
            nested=(),
            aliases={},
            span=self._span(call),
        )

    def _alias(self, statement: cst.TypeAlias) -> Alias:
        defaults = {name: self._expressions.type_of(default) for name, default in tree.defaults(statement)}
        return Alias(self._expressions.type_of(statement.value), tree.type_parameters(statement), defaults)

    def _type_params(self, call: cst.Call) -> tuple[str, ...]:
        """Return the names in the ``type_params=`` of a call."""
        given = tree.keyword(call, "type_params")
        return () if given is None else tuple(name.value for name in tree.names_in(given))

    def _read_import(self, alias: cst.ImportAlias, *, typing_only: bool) -> None:
        module = alias.evaluated_name
        name = alias.evaluated_alias
        if name is None:
            root = module.partition(".")[0]
            self._bind(root, ImportedModule(root), alias, typing_only=typing_only)
        else:
            self._bind(name, ImportedModule(module), alias, typing_only=typing_only)

    def _read_import_from(self, statement: cst.ImportFrom, *, typing_only: bool) -> None:
        module = "" if statement.module is None else get_full_name_for_node_or_raise(statement.module)
        level = len(statement.relative)
        if isinstance(statement.names, cst.ImportStar):
            self._stars.append(Star(module, level, typing_only, self._span(statement)))
            return
        for alias in statement.names:
            name = alias.evaluated_name
            self._bind(alias.evaluated_alias or name, ImportedName(module, level, tree.identifier(name)), alias, typing_only=typing_only)

    def _find_local_classes(self, function: cst.FunctionDef) -> None:
        for statement in tree.statements(function.body, into_functions=True):
            if isinstance(statement, cst.ClassDef):
                self._local_classes.append(self._read_class(statement, ""))

    def _read_class(self, node: cst.ClassDef, outer: str) -> ClassSyntax:
        own_name = tree.identifier(node.name.value)
        qualname = f"{outer}.{own_name}" if outer else own_name
        fields: list[Field] = []
        methods: list[Method] = []
        nested: list[ClassSyntax] = []
        aliases: dict[str, Alias] = {}
        for statement in tree.statements(node.body):
            match statement:
                case cst.ClassDef():
                    nested.append(self._read_class(statement, qualname))
                case cst.FunctionDef():
                    methods.append(self._read_method(statement, is_conditional=statement not in node.body.body))
                    self._find_local_classes(statement)
                case cst.AnnAssign(target=cst.Name() as target, value=cst.BaseExpression() as value) if self._is_type_alias(statement):
                    aliases[tree.identifier(target.value)] = Alias(self._expressions.type_of(value))
                case cst.AnnAssign(target=cst.Name() as target):
                    fields.append(self._read_field(target, statement.annotation, statement.value))
                case cst.Assign(targets=[cst.AssignTarget(target=cst.Name() as target)]):
                    fields.append(self._read_field(target, None, statement.value))
                    bound = self._alias_or_opaque(statement.value)
                    if isinstance(bound, Alias):
                        aliases[tree.identifier(target.value)] = bound
                case cst.TypeAlias(name=name):
                    aliases[tree.identifier(name.value)] = self._alias(statement)
                case _:
                    pass
        return ClassSyntax(
            name=own_name,
            qualname=qualname,
            decorators=tuple(self._expressions.value_of(decorator.decorator) for decorator in node.decorators),
            bases=tuple(self._expressions.type_of(base.value) for base in node.bases if base.star == ""),
            type_parameters=tree.type_parameters(node),
            fields=tuple(fields),
            methods=tuple(methods),
            nested=tuple(nested),
            aliases=aliases,
            span=self._span(node.name),
            fingerprint=self._fingerprints.get(qualname, ""),
            annotated_only=self._annotated_only.get(qualname, frozenset()),
        )

    def _read_field(self, target: cst.Name, annotation: cst.Annotation | None, value: cst.BaseExpression | None) -> Field:
        called = () if value is None else map(self._expressions.value_of, tree.called(value))
        return Field(
            name=tree.identifier(target.value),
            annotation=None if annotation is None else self._expressions.type_of(annotation.annotation),
            value=None if value is None else self._expressions.value_of(value),
            calls=tuple(name for name in called if isinstance(name, Name)),
            span=self._span(target),
        )

    def _read_method(self, node: cst.FunctionDef, *, is_conditional: bool) -> Method:
        return Method(
            name=node.name.value,
            parameters=tuple(self._read_parameters(node.params)),
            returns=None if node.returns is None else self._expressions.type_of(node.returns.annotation),
            decorators=tuple(self._expressions.value_of(decorator.decorator) for decorator in node.decorators),
            is_async=node.asynchronous is not None,
            body=self._bodies.get((node.name.value, self._span(node.name).line)),
            span=self._span(node.name),
            is_conditional=is_conditional,
        )

    def _read_parameters(self, parameters: cst.Parameters) -> Iterator[Parameter]:
        for parameter in (*parameters.posonly_params, *parameters.params):
            yield self._read_parameter(parameter, "positional")
        if isinstance(parameters.star_arg, cst.Param):
            yield self._read_star(parameters.star_arg, "*")
        for parameter in parameters.kwonly_params:
            yield self._read_parameter(parameter, "keyword")
        if parameters.star_kwarg is not None:
            yield self._read_star(parameters.star_kwarg, "**")

    def _read_star(self, node: cst.Param, stars: str) -> Parameter:
        return attrs.evolve(self._read_parameter(node, "star"), name=f"{stars}{node.name.value}")

    def _read_parameter(self, node: cst.Param, kind: Literal["positional", "keyword", "star"]) -> Parameter:
        annotation = None if node.annotation is None else self._expressions.type_of(node.annotation.annotation)
        return Parameter(node.name.value, annotation, kind, node.default is not None, self._span(node.name))


def _positions(module: cst.Module) -> Mapping[cst.CSTNode, CodeRange] | None:
    """Return the place of every node; None for files that no diagnostic points into: there positions would cost more than parsing."""
    return _Positions().of(module) if tree.declares(module) else None


@final
class _Positions(PositionProvider):
    """libcst's positions without its `MetadataWrapper`, which walks over every node once more for providers that nobody asked for."""

    def of(self, module: cst.Module) -> Mapping[cst.CSTNode, CodeRange]:
        self._gen_impl(module)
        return cast("Mapping[cst.CSTNode, CodeRange]", getattr(self, "_computed"))  # noqa: B009  # libcst declares it for lazy values too
