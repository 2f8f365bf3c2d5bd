"""Who runs the server. PostgreSQL refuses root; a plain user runs it as it is.

For root there are three ways, tried in this order. None changes a permission, makes a user, or opens a folder to others.

1. Another account (`nobody`) for the process, and for the folders that are the server's own.
2. Where that account cannot reach the programs or the data (a folder of mode 0700 on the way): a user namespace in which root has the number of
   `nobody`. The kernel goes on seeing root, PostgreSQL sees somebody else.
3. Where there are no user namespaces, as in many containers: the first way, with a copy of the programs in a folder for temporary files.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import attrs

from eventcore.local_postgres.binaries import Binaries
from eventcore.local_postgres.errors import DataFolderUnusable

NOBODY: Final = 65534
_PASSED_ON: Final = frozenset({"PATH", "LANG", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"})
_UNSHARE: Final = ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--")


@attrs.frozen
class Account:
    """How to run PostgreSQL's programs, and who owns what they write."""

    binaries: Binaries
    prefix: tuple[str, ...] = ()
    number: int | None = None
    """The user and group to change to, which own the data as well; None for the caller's own."""
    temporary: Path | None = None
    """A folder to remove when the server has ended."""

    def own(self, path: Path) -> None:
        """Make *path*, and all below it, this account's."""
        if os.geteuid() != 0:
            return
        owner = self.number or 0
        for each in (path, *path.rglob("*")):
            if each.lstat().st_uid != owner:
                os.chown(each, owner, owner, follow_symlinks=False)

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run *command* to its end, with its output as text."""
        return subprocess.run(  # noqa: S603  # the launcher's own commands
            [*self.prefix, *command],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            env=environment(),
            cwd="/",
            user=self.number,
            group=self.number,
            extra_groups=None if self.number is None else [],
        )

    def forget(self) -> None:
        """Remove what was made for this account alone, where no server of its will."""
        if self.temporary is not None:
            shutil.rmtree(self.temporary)

    def reaches(self, folder: Path) -> bool:
        """Tell whether this account can enter *folder* and run the programs."""
        try:
            return self.run("/bin/sh", "-c", 'cd -- "$1" && exec "$2" --version', "sh", folder, self.binaries.postgres).returncode == 0
        except OSError:  # there is no `unshare` here, or no permission to change the user
            return False


def account_for(binaries: Binaries, folder: Path) -> Account:
    """Return the account that can run *binaries* on data in *folder*; raise `DataFolderUnusable` where none can."""
    if os.geteuid() != 0:
        return Account(binaries)
    for account in _ways(binaries):
        if account.reaches(folder):
            return account
        account.forget()
    raise DataFolderUnusable(
        f"PostgreSQL does not run as root, and the account {NOBODY} (nobody) that would run it cannot enter {str(folder)!r}, "
        "while this kernel or container allows no user namespaces; "
        "choose a data folder below folders that everyone may enter, or start as another user"
    )


def environment() -> Mapping[str, str]:
    """Return what a server may know of this process's environment: no client settings (PG...), and no secrets: its account has other processes."""
    return {name: value for name, value in os.environ.items() if name in _PASSED_ON or name.startswith("LC_")}


def _ways(binaries: Binaries) -> Iterator[Account]:
    yield Account(binaries, number=NOBODY)
    yield Account(binaries, prefix=_UNSHARE)
    yield _copied(binaries)


def _copied(binaries: Binaries) -> Account:
    """Copy the whole installation: the programs find their libraries and their share by their own place."""
    copy = Path(tempfile.mkdtemp(prefix="eventcore-postgres-"))
    account = Account(binaries, number=NOBODY, temporary=copy)
    try:
        copy.chmod(0o755)
        return attrs.evolve(account, binaries=attrs.evolve(binaries, folder=_copy_of(binaries.folder, copy)))
    except BaseException:
        account.forget()
        raise


def _copy_of(programs: Path, copy: Path) -> Path:
    installation = programs.parent
    libraries = installation.parent.with_name(f"{installation.parent.name}.libs")
    package = copy / installation.parent.name if libraries.is_dir() else copy / "package"
    shutil.copytree(installation, package / installation.name, symlinks=True)
    if libraries.is_dir():
        shutil.copytree(libraries, copy / libraries.name)
    return package / installation.name / programs.name
