"""What a run found and did, as text for people and as JSON for programs."""

from __future__ import annotations

import json
from typing import Final, Literal, TypeAlias

from eventcore_codegen.diagnostics import Diagnostic
from eventcore_codegen.pipeline import Outcome

Mode: TypeAlias = Literal["write", "check", "diff"]

VERSION: Final = 1
"""The version of the JSON document. New keys may come at any time; one that is renamed or changes its meaning counts up."""


def summary(outcome: Outcome, mode: Mode) -> str:
    """Return a run in one line."""
    counts = (
        (0 if mode == "write" else len(outcome.stale), "stale"),
        (outcome.written, "generated"),
        (outcome.removed, "removed"),
        (outcome.unchanged, "unchanged"),
        (outcome.skipped, "skipped"),
        (outcome.errors, "error" if outcome.errors == 1 else "errors"),
        (outcome.warnings, "warning" if outcome.warnings == 1 else "warnings"),
    )
    return ", ".join(f"{count} {what}" for count, what in counts if count) or "nothing to do"


def differences(outcome: Outcome) -> str:
    """Return what is stale, with a diff of each file."""
    return "\n".join(f"{stale.path}: {stale.kind}\n{stale.diff}".removesuffix("\n") for stale in outcome.stale)


def document(outcome: Outcome, mode: Mode, exit_code: int) -> str:
    """Return a run as one JSON document; docs/generator.md describes it."""
    diffs = {stale.path: stale.diff for stale in outcome.stale}
    return json.dumps(
        {
            "version": VERSION,
            "mode": mode,
            "exit_code": exit_code,
            "summary": {
                "generated": outcome.written,
                "removed": outcome.removed,
                "unchanged": outcome.unchanged,
                "stale": len(outcome.stale),
                "skipped": outcome.skipped,
                "errors": outcome.errors,
                "warnings": outcome.warnings,
            },
            "diagnostics": [_diagnostic(diagnostic) for diagnostic in outcome.diagnostics],
            "files": [{"path": file.path, "kind": file.kind, "diff": diffs.get(file.path, "")} for file in outcome.files],
        },
        indent=2,
    )


def problem_document(problem: str, mode: Mode, exit_code: int) -> str:
    """Return the JSON document of a run that could not begin."""
    return json.dumps({"version": VERSION, "mode": mode, "exit_code": exit_code, "problem": problem}, indent=2)


def _diagnostic(diagnostic: Diagnostic) -> dict[str, object]:
    span = diagnostic.span
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "path": diagnostic.path,
        "span": {"line": span.line, "column": span.column, "end_line": span.end_line, "end_column": span.end_column},
        "message": diagnostic.message,
        "help": diagnostic.help,
        "source": diagnostic.line_text,
    }
