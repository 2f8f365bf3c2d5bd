"""Text from templates. Nothing else imports jinja2."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final, final

import attrs
from jinja2 import Environment, FunctionLoader, StrictUndefined

from eventcore_codegen.model import Module, Project
from eventcore_codegen.output import module_text

_MARK: Final = "@" + "generated"


@final
@attrs.frozen
class Rendered:
    """A generated module: where it belongs, and all of its text."""

    path: Path
    relative: str
    text: str


@final
class Renderer:
    def __init__(self) -> None:
        root = template_root()
        self._environment = Environment(
            loader=FunctionLoader(lambda name: (root / name).read_text(encoding="utf-8")),
            undefined=StrictUndefined,
            autoescape=False,  # noqa: S701  # the output is Python, not HTML
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._template = self._environment.get_template("streams.py.j2")

    def render(self, module: Module, project: Project) -> Rendered:
        """Return what is generated for *module*, which has no faults and declares something."""
        text = self._template.render(mark=_MARK, generated=module_text(module, project))
        return Rendered(module.source.output, module.source.relative, text)


def template_root() -> Traversable:
    """Return the shipped templates, or a checkout's top-level templates/ folder, where editing them has effect at once."""
    shipped = files("eventcore_codegen") / "templates"
    return shipped if shipped.is_dir() else Path(__file__).resolve().parents[2] / "templates"
