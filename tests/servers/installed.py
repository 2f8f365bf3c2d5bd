"""Programs that come from the system: what is missing is named with the command that installs it, and fails the test that needs it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

POSTGRES_15 = Path("/usr/lib/postgresql/15/bin")
# Debian starts a server for each package of one, which nobody wants on a machine that only tests.
_INSTALL = "apt-get install --no-install-recommends {}"


def postgres_15() -> Path:
    """Return the folder of PostgreSQL 15's programs."""
    if not (POSTGRES_15 / "initdb").exists():
        pytest.fail(f"PostgreSQL 15 is not in {POSTGRES_15}; install it: {_INSTALL.format('postgresql-15')}", pytrace=False)
    return POSTGRES_15


def program(name: str, package: str) -> str:
    """Return the path of the program *name*, which Debian's *package* holds."""
    found = shutil.which(name, path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin")
    if found is None:
        pytest.fail(f"there is no program {name!r}; install it: {_INSTALL.format(package)}", pytrace=False)
    return found
