"""What one source file says, free of libcst: the names it binds, its classes, and the expressions that types are written in.

Nothing is resolved here: a `Name` is the dotted text that stands in the source.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias, final

import attrs

from eventcore_codegen.diagnostics import Span
from eventcore_codegen.model import Ignore


@final
@attrs.frozen
class Name:
    """A name or a chain of attributes, as written: ``Cart``, ``products.Product``."""

    text: str
    span: Span


@final
@attrs.frozen
class Subscript:
    base: Expr
    items: tuple[Expr, ...]
    span: Span


@final
@attrs.frozen
class Either:
    """``A | B | ...``"""

    members: tuple[Expr, ...]
    span: Span


@final
@attrs.frozen
class ListOf:
    """``[A, B]``, as in ``Callable[[A, B], C]``."""

    items: tuple[Expr, ...]
    span: Span


@final
@attrs.frozen
class Constant:
    """A literal: *text* as it is written, *value* what it stands for (None for ``None``, ``...``, ``()`` and bytes)."""

    text: str
    value: str | int | None
    span: Span


@final
@attrs.frozen
class Call:
    function: Expr
    arguments: tuple[Expr, ...]
    keywords: Mapping[str, Expr] = attrs.field(eq=False)
    span: Span


@final
@attrs.frozen
class Unreadable:
    """Any other expression. *is_no_python*: it is a type in quotes, and what they hold cannot be parsed."""

    text: str
    span: Span
    is_no_python: bool = False


Expr: TypeAlias = Name | Subscript | Either | ListOf | Constant | Call | Unreadable


def names_in(expression: Expr) -> Iterator[str]:
    """Yield the names in a type, in the order of the source."""
    match expression:
        case Name(text=text):
            yield text
        case Subscript(base=base, items=items):
            for part in (base, *items):
                yield from names_in(part)
        case Either(members=inner) | ListOf(items=inner):
            for part in inner:
                yield from names_in(part)
        case _:
            pass


@final
@attrs.frozen
class Parameter:
    name: str
    annotation: Expr | None
    kind: Literal["positional", "keyword", "star"]
    has_default: bool
    span: Span


@final
@attrs.frozen
class Mention:
    """A name in a body that is none of its own. *text* begins with a colon where an import in the body bound it: then it is the whole name."""

    text: str
    span: Span
    is_bare_call: bool = False


@final
@attrs.frozen
class Awaited:
    """A call that is awaited. *text* is the name of what is called, as in `Mention`; None where that is a member of something local."""

    text: str | None
    shown: str
    span: Span


@final
@attrs.frozen
class Constructed:
    """A call with the streams and the id of one: ``StreamWrite(streams, self.<field>, ...)`` if *function* is that."""

    function: str
    field: str


@final
@attrs.frozen
class BodySyntax:
    """What a method does. *written* are the members of its second parameter that it may write; None where that parameter leaves its view.

    *is_stub*: there is nothing in it but a raise, an ellipsis or an empty answer.
    """

    yields: bool
    is_stub: bool
    mentions: tuple[Mention, ...]
    awaits: tuple[Awaited, ...]
    written: frozenset[str] | None
    constructed: tuple[Constructed, ...]


@final
@attrs.frozen
class Method:
    """*is_conditional*: it does not stand in the body of its class itself, but below an ``if`` or its like."""

    name: str
    parameters: tuple[Parameter, ...]
    returns: Expr | None
    decorators: tuple[Expr, ...]
    is_async: bool
    body: BodySyntax | None
    span: Span
    is_conditional: bool = False


@final
@attrs.frozen
class Field:
    """``name: annotation = value`` (or without one of both) in a class body. *calls* are the names of what is called anywhere in the value."""

    name: str
    annotation: Expr | None
    value: Expr | None
    calls: tuple[Name, ...]
    span: Span


@final
@attrs.frozen(eq=False)
class ClassSyntax:
    """A class. *nested* are the classes in its body, *aliases* the types that it gives names, *type_parameters* the names of ``class C[T]``.

    *fingerprint* is that of its source where it asks for snapshots. *annotated_only* are the names that only annotated
    assignments give values.
    """

    name: str
    qualname: str
    decorators: tuple[Expr, ...]
    bases: tuple[Expr, ...]
    type_parameters: tuple[str, ...]
    fields: tuple[Field, ...]
    methods: tuple[Method, ...]
    nested: tuple[ClassSyntax, ...]
    aliases: Mapping[str, Alias]
    span: Span
    fingerprint: str = ""
    annotated_only: frozenset[str] = frozenset()

    def method(self, name: str) -> Method | None:
        """Return the last definition of a method: the one that counts."""
        return next((method for method in reversed(self.methods) if method.name == name), None)


@final
@attrs.frozen
class ImportedModule:
    """``import a.b as c`` binds ``c`` to the module a.b; ``import a.b`` binds ``a`` to the module a."""

    module: str


@final
@attrs.frozen
class ImportedName:
    """``from ..module import name``; *level* counts the dots."""

    module: str
    level: int
    name: str


@final
@attrs.frozen
class Alias:
    """``X = A | B``, ``X: TypeAlias = ...`` or ``type X = ...``. *parameters* are those of ``type X[T] = ...``, *defaults* what they say they are if
    nothing is given.
    """

    value: Expr
    parameters: tuple[str, ...] = ()
    defaults: Mapping[str, Expr] = attrs.field(factory=dict[str, "Expr"], eq=False)


@final
@attrs.frozen
class Opaque:
    """A name bound to something that is no type that can be read: a function, a loop's variable, the result of a call: then *maker* is called.
    *returned* are the names of what a function calls for its answer.
    """

    maker: Name | None = None
    returned: tuple[Name, ...] = ()


@final
@attrs.frozen
class TypeVariable:
    """``T = TypeVar("T")``, or one of its kin."""

    default: Expr | None = None


Bound: TypeAlias = ImportedModule | ImportedName | Alias | ClassSyntax | Opaque | TypeVariable


@final
@attrs.frozen
class Binding:
    """One place that binds a name. *typing_only*: it stands in an ``if TYPE_CHECKING:`` block."""

    bound: Bound
    typing_only: bool
    span: Span


@final
@attrs.frozen
class Star:
    """``from ..module import *``."""

    module: str
    level: int
    typing_only: bool
    span: Span

    @property
    def written(self) -> str:
        """The module as the import names it."""
        return "." * self.level + self.module


@final
@attrs.frozen
class MadeIdSyntax:
    """A call of *maker* that may make a stream's id: by ``of``, from *state* and a key, or by hand from a text that begins with *prefix*;
    then *state* is what it says in brackets, if anything.
    """

    maker: str
    state: str
    prefix: str
    span: Span


@final
@attrs.frozen
class SyntaxFault:
    """What is wrong with a text that is no Python, or none that can be read."""

    message: str
    span: Span


@final
@attrs.frozen(eq=False)
class ModuleSyntax:
    """One source file. *classes* are those at module level, *local_classes* those in functions."""

    bindings: Mapping[str, tuple[Binding, ...]]
    stars: tuple[Star, ...]
    classes: tuple[ClassSyntax, ...]
    local_classes: tuple[ClassSyntax, ...]
    made_ids: tuple[MadeIdSyntax, ...] = ()
    ignores: tuple[Ignore, ...] = ()
