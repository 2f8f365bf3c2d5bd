"""Which names in bodies lead out of the project: followed through the imports of their own module, and no further.

Nothing is loaded for them: a helper that `handle` calls need not even be readable.
"""

from __future__ import annotations

import builtins
from typing import Final, final

from eventcore_codegen.model import LIBRARY
from eventcore_codegen.scan.names import absolute_name
from eventcore_codegen.scan.syntax import Alias, Awaited, Binding, ImportedModule, ImportedName, Name, Opaque, TypeVariable
from eventcore_codegen.scan.universe import LoadedModule, Universe

_BUILTINS: Final = frozenset(dir(builtins))


@final
class OutsideNames:
    def __init__(self, universe: Universe) -> None:
        self._universe = universe

    def library_name(self, module: LoadedModule, text: str) -> str | None:
        """Return the full name of what a library has by the name *text* in *module*; None for what is the project's, or unclear."""
        name = self.full_name(module, text)
        return None if name is None or self._is_own(name) else name

    def full_name(self, module: LoadedModule, text: str, visited: frozenset[str] = frozenset()) -> str | None:
        """Return the full name that *text* stands for; None where its bindings disagree or are no imports."""
        if text.startswith(":"):
            return text[1:]
        head, _, rest = text.partition(".")
        if module.syntax is None or head in visited:
            return None
        bindings = module.syntax.bindings.get(head, ())
        names = {self._bound_name(module, head, binding, visited | {head}) for binding in bindings}
        if not bindings and head in _BUILTINS and not module.syntax.stars:
            names = {f"builtins.{head}"}
        found = names.pop() if len(names) == 1 else None
        return found if found is None or not rest else f"{found}.{rest}"

    def _bound_name(self, module: LoadedModule, name: str, binding: Binding, visited: frozenset[str]) -> str | None:
        match binding.bound:
            case ImportedModule(module=target):
                return target
            case ImportedName(module=target, level=level, name=imported):
                absolute = absolute_name(module, target, level)
                return None if absolute is None else f"{absolute}.{imported}"
            case Alias(value=Name(text=text)):
                return self.full_name(module, text, visited)
            case Alias() | Opaque() | TypeVariable():
                return None
            case _:
                return f"{module.name}.{name}"

    def _is_own(self, name: str) -> bool:
        top = name.partition(".")[0]
        return top != LIBRARY and self._universe.holds(top)

    def is_foreign(self, module: LoadedModule, awaited: Awaited) -> bool:
        """Tell whether an awaited call leaves the project, or goes to an object of which nothing can be known here."""
        if awaited.text is None:
            return True
        name = self.full_name(module, awaited.text)
        if name is not None:
            return not self._is_own(name)
        return "." in awaited.text and self._is_object(module, awaited.text.partition(".")[0])

    def _is_object(self, module: LoadedModule, name: str) -> bool:
        bindings = () if module.syntax is None else module.syntax.bindings.get(name, ())
        return any(isinstance(binding.bound, Opaque) for binding in bindings)
