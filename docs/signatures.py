"""Constructors in the reference: what `attrs.frozen` makes is not in the source, so it is put together from the fields."""

from __future__ import annotations

from typing import Any

from griffe import Attribute, Class, Extension, Function, Parameter, ParameterKind, Parameters


class AttrsConstructors(Extension):
    """Gives each attrs class the `__init__` that it has when it runs."""

    def on_class(self, *, cls: Class, **_: Any) -> None:  # what else griffe passes is of no concern here
        made = next((text for each in cls.decorators if (text := str(each.value)).startswith("attrs.frozen")), None)
        if made is None or "__init__" in cls.members:
            return
        kind = ParameterKind.keyword_only if "kw_only=True" in made else ParameterKind.positional_or_keyword
        fields = [member for member in cls.members.values() if isinstance(member, Attribute) and _is_field(member)]
        itself = Parameter("self", kind=ParameterKind.positional_or_keyword)
        given = [Parameter(each.name.lstrip("_"), annotation=each.annotation, kind=kind, default=_default(each)) for each in fields]
        cls.set_member("__init__", Function("__init__", parameters=Parameters(itself, *given), parent=cls))


def _is_field(member: Attribute) -> bool:
    # griffe drops `ClassVar` from the annotation, and keeps that the value is not the instance's.
    return member.annotation is not None and "instance-attribute" in member.labels and "init=False" not in str(member.value or "")


def _default(field: Attribute) -> str | None:
    value = None if field.value is None else str(field.value)
    return None if value is not None and value.startswith("attrs.field(") and "default=" not in value else value
