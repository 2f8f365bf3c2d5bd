"""Comments that suppress warnings, and those that suppress nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from eventcore_codegen.check.fault import Fault
from eventcore_codegen.check.outline import Outline
from eventcore_codegen.diagnostics import CODES, Severity, default_severity
from eventcore_codegen.model import Ignore

_WIDE: Final = frozenset({"EC201", "EC205", "EC206"})
"""Found or not found according to which other files are given; so a comment about them is never called useless."""


def without_suppressed(module: Outline, faults: Sequence[Fault]) -> list[Fault]:
    """Return the faults of a module that no comment in their line suppresses, and a fault for each code in a comment that suppresses nothing.

    Only what is a warning by itself can be suppressed: code that is generated in spite of an error would be wrong.
    """
    wanted = {(ignore.span.line, code) for ignore in module.ignores for code in ignore.codes}
    suppressed = {place for fault in faults if _is_warning(fault.code) and (place := (fault.span.line, fault.code)) in wanted}
    left = [fault for fault in faults if (fault.span.line, fault.code) not in suppressed]
    # Where there are errors, a warning may be missing because of them.
    if module.is_scanned and all(_is_warning(fault.code) for fault in left):
        left += [fault for ignore in module.ignores for fault in _useless(ignore, suppressed)]
    return left


def _useless(ignore: Ignore, suppressed: set[tuple[int, str]]) -> Iterator[Fault]:
    """EC208"""
    if not ignore.codes:
        yield Fault(
            "EC208",
            ignore.span,
            "this comment names no code, so it suppresses nothing",
            "name what it is to suppress: `# eventcore: ignore[EC202]`",
        )
    for code in ignore.codes:
        if code not in CODES:
            yield Fault(
                "EC208", ignore.span, f"there is no code {code!r}", "the codes are those that are shown in front of messages, like EC202"
            )
        elif not _is_warning(code):
            yield Fault(
                "EC208", ignore.span, f"{code} is an error, which no comment suppresses", "mend what it is about, and remove the comment"
            )
        elif (ignore.span.line, code) not in suppressed and code not in _WIDE:
            yield Fault("EC208", ignore.span, f"there is no {code} in this line", "remove it from the comment")


def _is_warning(code: str) -> bool:
    return default_severity(code) is Severity.WARNING
