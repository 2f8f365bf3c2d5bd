"""SQL lives in .sql files beside the code of its store; here it is found."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final, NamedTuple

_NAME: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


class Migration(NamedTuple):
    number: int
    name: str
    script: str


@cache
def named_statements(package: str, file: str) -> Mapping[str, str]:
    """Return the statements of ``sql/<file>.sql`` in *package*: each begins with a line ``-- name: <its name>``."""
    text = resources.files(package).joinpath("sql", f"{file}.sql").read_text(encoding="utf-8")
    parts = _NAME.split(text)[1:]
    return {name: sql.strip().rstrip(";") for name, sql in zip(parts[::2], parts[1::2], strict=True)}


@cache
def numbered_migrations(package: str) -> tuple[Migration, ...]:
    """Return the files ``schema/<four digits>_<name>.sql`` of *package* in their order."""
    found = [
        Migration(int(match[1]), file.name, file.read_text(encoding="utf-8"))
        for file in resources.files(package).joinpath("schema").iterdir()
        if (match := re.fullmatch(r"(\d{4})_\w+\.sql", file.name))
    ]
    return tuple(sorted(found))
