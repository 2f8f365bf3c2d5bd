"""Generating in a user's own build: ``[tool.hatch.build.hooks.eventcore]``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.plugin import hookimpl

from eventcore_codegen import command
from eventcore_codegen.config import CannotBegin, settings

_OWN_KEYS: Final = frozenset({"check", "strict"})
_HATCH_KEYS: Final = frozenset({"dependencies", "enable-by-default", "require-runtime-dependencies", "require-runtime-features"})


class CannotBuild(Exception):
    """The build ends: what it would ship is not what its source says."""


class EventcoreBuildHook(BuildHookInterface):  # type: ignore[type-arg]  # of no builder in particular
    """Generates what ``sources`` in ``[tool.eventcore]`` names before anything is packed, and has it packed even if git ignores it.

    With ``check = true`` it writes nothing, and stops the build where something is stale; with ``strict = true`` warnings stop it too.
    """

    PLUGIN_NAME = "eventcore"

    def initialize(self, version: str, build_data: dict[str, object]) -> None:  # noqa: ARG002  # hatchling calls it so
        root = Path(self.root)
        request = _request(self.config)
        try:
            config = settings(request.paths, root)
        except CannotBegin as error:
            raise CannotBuild(str(error)) from error
        outcome = command.run_once(request, root, config)
        for diagnostic in outcome.diagnostics:
            self.app.display_error(str(diagnostic)) if diagnostic.is_error else self.app.display_warning(str(diagnostic))
        code = command.exit_code(outcome, request)
        if code == command.STALE:
            stale = ", ".join(f"{stale.path} ({stale.kind})" for stale in outcome.stale)
            raise CannotBuild(f"generated code is stale: {stale}; run `{request.command}`")
        if code != command.OK:
            raise CannotBuild("nothing can be generated from faulty source; what is wrong is shown above")
        artifacts = cast("list[str]", build_data.setdefault("artifacts", []))
        artifacts += [f"/{file.path}" for file in outcome.files if file.kind != "orphaned"]


def _request(config: Mapping[str, object]) -> command.Request:
    unknown = sorted(set(config) - _OWN_KEYS - _HATCH_KEYS)
    if unknown:
        raise CannotBuild(f"[tool.hatch.build.hooks.eventcore] has no key {unknown[0]!r}; it has {', '.join(sorted(_OWN_KEYS))}")
    wrong = [key for key in sorted(_OWN_KEYS & set(config)) if not isinstance(config[key], bool)]
    if wrong:
        raise CannotBuild(f"[tool.hatch.build.hooks.eventcore] {wrong[0]} must be true or false; it is {config[wrong[0]]!r}")
    return command.Request(paths=(), mode="check" if config.get("check") else "write", strict=bool(config.get("strict")), cached=False)


@hookimpl
def hatch_register_build_hook() -> type[EventcoreBuildHook]:
    """Called by hatchling, which found this module by its entry point."""
    return EventcoreBuildHook
