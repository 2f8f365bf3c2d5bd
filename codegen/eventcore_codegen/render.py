"""Text from templates. Nothing else imports jinja2."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

from eventcore_codegen.output import Excerpt, module_text
from eventcore_codegen.template_files import template_root

if TYPE_CHECKING:
    from jinja2 import Template

_MARK: Final = "@" + "generated"


def render(excerpt: Excerpt) -> str:
    """Return what is generated for a module, which has no faults and declares something."""
    return _template().render(mark=_MARK, generated=module_text(excerpt.module, excerpt.project))


@functools.cache
def _template() -> Template:
    from jinja2 import Environment, FunctionLoader, StrictUndefined  # noqa: PLC0415  # a run that knows its texts needs none of it

    root = template_root()
    environment = Environment(
        loader=FunctionLoader(lambda name: (root / name).read_text(encoding="utf-8")),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  # the output is Python, not HTML
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("streams.py.j2")
