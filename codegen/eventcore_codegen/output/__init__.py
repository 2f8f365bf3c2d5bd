"""What is written for a module: names, imports, lines. Everything is decided here, so that the templates only have to put it in place."""

from __future__ import annotations

from eventcore_codegen.output.excerpt import Excerpt, excerpt
from eventcore_codegen.output.module import ModuleText, module_text

__all__ = ["Excerpt", "ModuleText", "excerpt", "module_text"]
