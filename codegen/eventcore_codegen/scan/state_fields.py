"""The fields of a state that have no default, as far as that is certain: `@state` makes an attrs class, and adopts the fields of dataclasses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, final

from eventcore_codegen.model import LIBRARY, MissingDefault
from eventcore_codegen.scan.lineage import Ancestor, Bases
from eventcore_codegen.scan.syntax import Call, ClassSyntax, Constant, Expr, Field, Method, Name, Subscript
from eventcore_codegen.scan.types import Site

_MAKERS: Final = frozenset({"attrs.field", "attrs.ib", "attrs.attrib", f"{LIBRARY}.stream"})
_ATTRS: Final = frozenset({"attrs.define", "attrs.frozen", "attrs.mutable", f"{LIBRARY}.command", f"{LIBRARY}.event"})
_DATACLASS: Final = "dataclasses.dataclass"
_HARMLESS: Final = frozenset({"eq", "frozen", "hash", "kw_only", "order", "repr", "slots", "unsafe_hash"})
"""What a decorator of a base class may be told without that its fields are others."""
_NO_FIELDS: Final = frozenset({"ClassVar", "InitVar", "KW_ONLY"})
_KEEPS_CLASS: Final = frozenset({"typing.final"})


@final
class StateFields:
    """*name_of* says which name of a library's an expression stands for; an empty text where it is none."""

    def __init__(self, name_of: Callable[[Expr, Site], str]) -> None:
        self._name_of = name_of

    def without_default(self, own: Ancestor, marker: Expr, bases: Bases) -> Iterator[MissingDefault]:
        """Yield the fields of the state *own*, which *marker* decorates, that its constructor wants a value for."""
        decorators = own.syntax.decorators
        before = decorators[decorators.index(marker) + 1 :]
        if not bases.is_complete or any(self._name_of(decorator, own.site) not in _KEEPS_CLASS for decorator in before):
            return
        for name in self._bare(own):
            if not any(_gives_value(base.syntax, name) for base in bases.ancestors):
                field = next(field for field in own.syntax.fields if field.name == name)
                yield MissingDefault(name, field.span)
        seen = _names(own.syntax)
        for number, base in enumerate(bases.ancestors):
            if self._makes_fields(base):
                further = bases.ancestors[number + 1 :]
                for name in self._bare(base):
                    if name not in seen and not any(_gives_value(other.syntax, name) for other in further):
                        yield MissingDefault(name, own.syntax.span, str(base.ref))
            seen |= _names(base.syntax)

    def _bare(self, owner: Ancestor) -> list[str]:
        """Return the fields that a class declares, and gives no default, in the order of the source."""
        declared: dict[str, list[Field]] = {}
        for field in owner.syntax.fields:
            declared.setdefault(field.name, []).append(field)
        return [
            name
            for name, fields in declared.items()
            if name in owner.syntax.annotated_only and all(self._is_bare(field, owner.site) for field in fields)
        ]

    def _is_bare(self, field: Field, site: Site) -> bool:
        base = field.annotation.base if isinstance(field.annotation, Subscript) else field.annotation
        if isinstance(base, Name) and base.text.rpartition(".")[2] in _NO_FIELDS:
            return False
        return field.value is None or self._is_empty(field.value, site)

    def _is_empty(self, value: Expr, site: Site) -> bool:
        """Tell whether a value says more of a field, but not what it begins with."""
        if not isinstance(value, Call) or value.arguments or self._name_of(value.function, site) not in _MAKERS:
            return False
        said = value.keywords
        init = said.get("init")
        takes_value = init is None or (isinstance(init, Constant) and init.text == "True")
        return takes_value and not {"default", "factory"} & said.keys()

    def _makes_fields(self, base: Ancestor) -> bool:
        """Tell whether the annotations of a base class are fields of its heirs, without a doubt. Those of a state are told where it is."""
        match base.syntax.decorators:
            case (Call(function=function, arguments=(), keywords=keywords),) if keywords.keys() <= _HARMLESS:
                name = self._name_of(function, base.site)
            case (decorator,):
                name = self._name_of(decorator, base.site)
            case _:
                return False
        return name == _DATACLASS or (name in _ATTRS and all(field.annotation is not None for field in base.syntax.fields))


def _names(syntax: ClassSyntax) -> set[str]:
    members: tuple[Field | Method | ClassSyntax, ...] = (*syntax.fields, *syntax.methods, *syntax.nested)
    return {member.name for member in members}


def _gives_value(syntax: ClassSyntax, name: str) -> bool:
    """Tell whether a class may have something by the *name* of a field: of a dataclass it is the field's default."""
    if name in syntax.annotated_only:
        return any(field.name == name and field.value is not None for field in syntax.fields)
    return name in _names(syntax)
