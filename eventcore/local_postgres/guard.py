"""The process between a launcher and its server: it ends the server when the launcher is gone, however that went.

It is run by path, alone, with nothing but the standard library, and holds one end of a pipe (its standard input) whose other end the launcher
holds. A launcher that stops closes it; one that is killed has it closed by the kernel. Should the guard itself be killed, Linux tells the server
(PR_SET_PDEATHSIG); elsewhere that server has to be stopped by hand.

::

    launcher ── pipe ──> guard ── parent of ──> postgres ── parent of ──> its backends
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Final, TypedDict

_PR_SET_PDEATHSIG: Final = 1
_FAST: Final = signal.SIGINT
_IMMEDIATE: Final = signal.SIGQUIT
_POLL_MS: Final = 1_000
# Processes forked by the launcher hold its end of the pipe too; that it is gone is then seen by its id.
_ANY_PARENT: Final = 0


class Orders(TypedDict):
    """What the launcher hands over, as the only argument, in JSON."""

    command: list[str]
    account: int | None
    """The user and group that run the server; None for the guard's own."""
    parent: int
    """The launcher, if this process is its child; 0 where only the pipe counts."""
    log: str
    lock: int
    """A descriptor with the lock of the cluster, kept open by the server and all its backends."""
    immediate: bool
    """End the server without a checkpoint."""
    patience: float
    """Seconds until a server that does not end is ended without a checkpoint, and as many until it is killed."""
    remove: list[str]
    """Folders to remove once the server has ended."""


def main() -> int:
    orders: Orders = json.loads(sys.argv[1])
    signals = _signals()
    server = _start(orders)
    print(server.pid, flush=True)  # noqa: T201  # the launcher reads it
    while server.poll() is None and not _asked_to_stop(signals, orders["parent"]):
        pass
    # Everything after this is the end: a second Ctrl-C must not leave it half done.
    if server.poll() is None:
        _stop(server, immediate=orders["immediate"], patience=orders["patience"])
    for folder in orders["remove"]:
        shutil.rmtree(folder)
    return server.returncode


def _signals() -> int:
    """Return a descriptor that becomes readable when a signal has arrived, so that no wait misses one."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, _only_wake)
    return reading


def _only_wake(_number: int, _frame: object) -> None:
    """Leave the signal to the descriptor."""


def _start(orders: Orders) -> subprocess.Popen[bytes]:
    account = orders["account"]
    descriptor = os.open(orders["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        return subprocess.Popen(  # noqa: S603  # the command is the launcher's own
            orders["command"],
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            pass_fds=(orders["lock"],),
            cwd="/",
            user=account,
            group=account,
            extra_groups=None if account is None else [],
            start_new_session=True,
            # This process has one thread, and this is no more than one call of the kernel.
            preexec_fn=_die_with_the_guard(),  # noqa: PLW1509
        )
    finally:
        os.close(descriptor)


def _die_with_the_guard() -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, int(_FAST))


def _asked_to_stop(signals: int, parent: int) -> bool:
    poll = select.poll()
    for descriptor in (sys.stdin.fileno(), signals):
        poll.register(descriptor, select.POLLIN | select.POLLHUP)
    ready = {descriptor for descriptor, _ in poll.poll(_POLL_MS)}
    if signals in ready and any(number != signal.SIGCHLD for number in os.read(signals, 64)):
        return True
    # Nothing is ever written into the pipe: readable means closed.
    return sys.stdin.fileno() in ready or parent not in (_ANY_PARENT, os.getppid())


def _stop(server: subprocess.Popen[bytes], *, immediate: bool, patience: float) -> None:
    for number in (_IMMEDIATE,) if immediate else (_FAST, _IMMEDIATE):
        server.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(patience)
            return
    server.kill()
    server.wait()


if __name__ == "__main__":
    sys.exit(main())
