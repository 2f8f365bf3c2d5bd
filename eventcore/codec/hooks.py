"""Hooks that a user registered on a cattrs converter of their own. They win over everything that the codec knows by itself."""

from __future__ import annotations

from typing import Any, Final, final

from cattrs import Converter
from cattrs.dispatch import MultiStrategyDispatch

from eventcore.codec.classes import through_bytes
from eventcore.codec.coder import ANY_JSON, Coder
from eventcore.codec.misfit import Misfit, shown
from eventcore.codec.untyped import encode_json

_ABSENT: Final = object()


@final
class Hooks:
    """Finds the hooks that were registered on *converter* up to now, apart from those that every cattrs converter is born with."""

    def __init__(self, converter: Converter) -> None:
        self._converter = converter
        self._unstructure = _registered(converter, "_unstructure_func", "_unstruct_copy_skip")
        self._structure = _registered(converter, "_structure_func", "_struct_copy_skip")
        self._unions: dict[object, object] = dict(getattr(converter, "_union_struct_registry"))  # noqa: B009  # cattrs shows it nowhere else

    def coder(self, annotation: Any) -> Coder | None:
        """Return the coder of *annotation* by the user's hooks, or None where there are none."""
        if not self._answers(annotation):
            return None
        unstructure = self._converter.get_unstructure_hook(annotation)
        structure = self._converter.get_structure_hook(annotation)
        name = getattr(annotation, "__name__", str(annotation))

        def decode(raw: object) -> object:
            try:
                return structure(raw, annotation)
            except Exception as error:
                raise Misfit(f"the hook for {name} refused {shown(raw)}: {type(error).__name__}: {error}") from error

        def encode(value: object) -> object:
            try:
                encoded = encode_json(unstructure(value))
            except Misfit:
                raise
            except Exception as error:
                raise Misfit(f"the hook for {name} refused {shown(value)}: {type(error).__name__}: {error}") from error
            again = decode(through_bytes(encoded))
            if type(again) is not type(value) or again != value:
                raise Misfit(f"the hooks for {name} would bring {shown(value)} back as {shown(again)}")
            return encoded

        takes = frozenset({annotation}) if isinstance(annotation, type) else None
        return Coder(name, encode, decode, ANY_JSON, takes)

    def unstructure(self, value: object) -> object:
        """Return the JSON value that a hook for exactly this value's class makes of it, or None where there is no such hook."""
        if self._unstructure.dispatch(type(value)) is _ABSENT:
            return None
        try:
            unstructured: object = self._converter.unstructure(value)
        except Exception as error:
            raise Misfit(f"the hook for {type(value).__name__} refused {shown(value)}: {type(error).__name__}: {error}") from error
        return unstructured

    def _answers(self, annotation: Any) -> bool:
        found = (self._unstructure.dispatch(annotation), self._structure.dispatch(annotation))
        return any(hook is not _ABSENT for hook in found) or annotation in self._unions


# cattrs keeps how many of its hooks are its own, for `Converter.copy`, but has no public way to ask for the others.
def _registered(converter: Converter, functions: str, own: str) -> Any:
    everything: Any = getattr(converter, functions)
    born_with = getattr(Converter(), functions)._single_dispatch.registry  # noqa: SLF001
    dispatch: Any = MultiStrategyDispatch  # its hooks are typed as functions, and _ABSENT is none
    found: Any = dispatch(_no_hook, converter)
    everything._function_dispatch.copy_to(found._function_dispatch, skip=getattr(converter, own))  # noqa: SLF001
    registry = everything._single_dispatch.registry  # noqa: SLF001
    added: list[tuple[type, object]] = [
        (cls, hook) for cls, hook in registry.items() if cls not in born_with or not _same(hook, born_with[cls])
    ]
    found.register_cls_list([(cls, hook) for cls, hook in added if cls is not object])
    return found


def _same(hook: object, other: object) -> bool:
    return getattr(hook, "__func__", hook) is getattr(other, "__func__", other)


def _no_hook(_annotation: object) -> object:
    return _ABSENT
