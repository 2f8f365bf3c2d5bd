"""`eventcore generate --watch`: generate again after each save, until Ctrl-C.

Files are looked at, not waited for: there is no way to wait for them that every system and every shared folder has. How often depends on how long
looking takes, so that it stays a small part of one processor.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, TypeAlias, final

from eventcore_codegen import command, report
from eventcore_codegen.command import Put
from eventcore_codegen.config import CannotBegin, Config, settings
from eventcore_codegen.pipeline import Outcome
from eventcore_codegen.sources.files import find_files

Stamps: TypeAlias = Mapping[Path, tuple[int, int, int]]

_LEAST_PAUSE: Final = 0.1
_SHARE: Final = 20
"""Of this many parts of the time one is spent looking."""
_SETTLED: Final = 0.03
_LONGEST_SETTLING: Final = 1.0


def watch(request: command.Request, put: Put) -> int:
    """Generate now and after each change, and *put* a line each time; return the exit code once the user has had enough."""
    watcher = _Watcher(request, Path.cwd(), put)
    try:
        while True:
            watcher.round()
            watcher.wait()
    except KeyboardInterrupt:
        return command.OK


@final
class _Watcher:
    def __init__(self, request: command.Request, base: Path, put: Put) -> None:
        self._request = request
        self._put = put
        self._base = base
        self._config = Config(base)
        self._beyond: frozenset[Path] = frozenset()
        self._seen: Stamps = {}

    def round(self) -> None:
        try:
            self._config = settings(self._request.paths, self._base)
        except CannotBegin as error:
            self._seen = self._look()
            self._say(" ".join(str(error).split("\n")))
            return
        # Before the run: what is saved while it reads is a change to come.
        before = self._look()
        outcome = command.run_once(self._request, self._base, self._config)
        self._beyond = frozenset(outcome.followed)
        own = {self._base / file.path for file in outcome.files}
        after = self._look()
        news = own | (self._beyond - before.keys())
        self._seen = {path: stamp for path, stamp in before.items() if path not in own} | {
            path: after[path] for path in news & after.keys()
        }
        self._say(_line(outcome, self._request))

    def wait(self) -> None:
        """Return once something was saved, and nothing more is."""
        pause = _LEAST_PAUSE
        while True:
            time.sleep(pause)
            began = time.perf_counter()
            now = self._look()
            if now != self._seen:
                break
            pause = max(_LEAST_PAUSE, _SHARE * (time.perf_counter() - began))
        deadline = time.monotonic() + _LONGEST_SETTLING
        while time.monotonic() < deadline:
            time.sleep(_SETTLED)
            before, now = now, self._look()
            if now == before:
                return

    def _say(self, line: str) -> None:
        self._put(f"{time.strftime('%H:%M:%S')} eventcore: {line}")

    def _look(self) -> Stamps:
        """Return what tells a file that was saved from one that was not, of all that a run may read."""
        paths = [self._base / path for path in command.sources_of(self._request, self._config)]
        found, _ = find_files(paths, self._config.excluded)
        settings = [folder / "pyproject.toml" for folder in (self._base, *self._base.parents, self._config.root)]
        return _stamps({*found, *self._beyond, *settings})


def _stamps(paths: Iterable[Path]) -> Stamps:
    found: dict[Path, tuple[int, int, int]] = {}
    for path in paths:
        try:
            status = os.stat(path)  # noqa: PTH116  # the shorter way, of many files many times
        except OSError:
            continue
        found[path] = (status.st_mtime_ns, status.st_size, status.st_ino)
    return found


def _line(outcome: Outcome, request: command.Request) -> str:
    first = min(outcome.diagnostics, key=lambda diagnostic: not diagnostic.is_error, default=None)
    if first is None:
        return report.summary(outcome, request.mode)
    place = f"{first.path}:{first.span.line}:{first.span.column}"
    return f"{report.summary(outcome, request.mode)}; {place}: {first.code} {first.severity.value}: {first.message}"
