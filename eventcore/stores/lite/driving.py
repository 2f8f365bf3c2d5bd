"""Coroutines where no event loop is: in the thread that writes, or under a lock."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TypeVar

from eventcore.errors import RequestRefused

T = TypeVar("T")


def drive(work: Coroutine[object, object, T]) -> T:
    """Run *work*, which awaits nothing that would have to be waited for, and return what it returns.

    Where it waits after all, it is thrown `RequestRefused`; that is raised too in place of what would end a thread.
    """
    try:
        work.send(None)
    except BaseException as ended:  # noqa: BLE001  # also how a coroutine returns
        return _outcome(ended)
    refusal = RequestRefused(
        "a handler awaited something else than its context, and inside an append nothing can be waited for; do it in a projection that a "
        "runner keeps"
    )
    try:
        work.throw(refusal)
    except StopIteration:
        raise refusal from None  # it passed over the error, but not over what it had to wait for
    except BaseException as ended:  # noqa: BLE001
        return _outcome(ended)
    work.close()
    raise refusal


def _outcome(ended: BaseException) -> T:  # type: ignore[type-var]  # pyright: ignore[reportInvalidTypeVarUse]
    if isinstance(ended, StopIteration):
        result: T = ended.value
        return result
    if isinstance(ended, Exception):
        raise ended
    raise RequestRefused(f"a handler raised {ended!r} inside an append, which is not its to end; nothing was written") from ended
