"""Run a contestant that blocks: in threads that take turns at the commands, and take its times."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeAlias

from benchmarks.work import Timed, Transfer

DoTransfer: TypeAlias = Callable[[Transfer], None]


def transfer_all(do: DoTransfer, transfers: Sequence[Transfer], threads: int) -> Timed:
    """Do *transfers*, by *threads* at a time; the first failure of any is raised."""
    waiting, latencies, failures = iter(transfers), list[float](), list[BaseException]()
    lock = threading.Lock()

    def next_transfer() -> Transfer | None:
        with lock:
            return next(waiting, None)

    def work() -> None:
        try:
            while not failures and (transfer := next_transfer()) is not None:
                began = time.perf_counter()
                do(transfer)
                latencies.append(time.perf_counter() - began)
        except BaseException as error:  # noqa: BLE001  # handed to the main thread
            failures.append(error)

    began = time.perf_counter()
    if threads == 1:
        work()
    else:
        workers = [threading.Thread(target=work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    if failures:
        raise failures[0]
    return Timed(time.perf_counter() - began, latencies)
