"""What every store makes of a call whose requests it has decided."""

from __future__ import annotations

from collections.abc import Sequence

from eventcore.errors import EventCoreError, OutcomeUnknown, RequestRefused


def error_of_all(decided: Sequence[object]) -> EventCoreError | None:
    """Return the error of the whole store where it is all that the call met. Where one may have been written, it must not say that none was."""
    errors = [each for each in decided if isinstance(each, EventCoreError) and not isinstance(each, RequestRefused)]
    if not errors or len(errors) < len(decided) or 0 < sum(isinstance(each, OutcomeUnknown) for each in errors) < len(errors):
        return None
    return errors[0]
