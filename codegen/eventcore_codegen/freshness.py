"""``pytest --eventcore-check``: no test runs on stale generated code.

Nothing of the generator is imported before it is known to be needed: its libraries may not be installed where tests run.
"""

from __future__ import annotations

from pathlib import Path


def problem(root: Path) -> str:
    """Return what is wrong with the generated code, and which command repairs it; an empty text if nothing is."""
    try:
        return _found(root)
    except ModuleNotFoundError as error:
        if error.name not in ("libcst", "jinja2"):
            raise
        return f"eventcore: --eventcore-check needs {error.name}; install the extra: pip install 'eventcore-py[codegen]'"


def _found(root: Path) -> str:
    from eventcore_codegen import command  # noqa: PLC0415  # see above
    from eventcore_codegen.config import CannotBegin  # noqa: PLC0415

    base = Path.cwd()
    try:
        request, config = command.check_of(root, base)
    except CannotBegin as error:
        return f"eventcore: {error}"
    outcome = command.run_once(request, base, config)
    if outcome.errors:
        return "\n".join(
            ["eventcore: nothing can be generated from faulty source", *(str(fault) for fault in outcome.diagnostics if fault.is_error)]
        )
    if outcome.stale:
        stale = [f"  {stale.path}: {stale.kind}" for stale in outcome.stale]
        return "\n".join(["eventcore: generated code is stale", *stale, f"help: run `{request.command}`"])
    return ""
