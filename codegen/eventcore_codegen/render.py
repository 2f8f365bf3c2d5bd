"""Text from templates. Nothing else imports jinja2."""

from __future__ import annotations

from typing import Final, final

from jinja2 import Environment, FunctionLoader, StrictUndefined

from eventcore_codegen.built import Rendered
from eventcore_codegen.model import Module, Project
from eventcore_codegen.output import module_text
from eventcore_codegen.template_files import template_root

_MARK: Final = "@" + "generated"


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
