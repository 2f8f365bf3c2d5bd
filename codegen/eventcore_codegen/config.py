"""``[tool.eventcore]`` in pyproject.toml: what to read, what to leave out, and what each warning counts for."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, TypeGuard, cast, final

import attrs

from eventcore_codegen.diagnostics import CODES, Diagnostic, Severity, default_severity
from eventcore_codegen.sources.excluded import Excluded
from eventcore_codegen.sources.files import absolute

Level: TypeAlias = Literal["error", "warning", "off"]

FILE: Final = "pyproject.toml"
_KEYS: Final = ("sources", "exclude", "severity")
_LEVELS: Final[tuple[Level, ...]] = ("error", "warning", "off")


class CannotBegin(Exception):
    """There is nothing to read, or the settings are wrong."""


@final
class BadConfig(CannotBegin):
    """A ``[tool.eventcore]`` that cannot be meant: all that is wrong with it, a line each."""

    def __init__(self, path: Path, problems: Iterable[str]) -> None:
        super().__init__("\n".join(f"{path}: {problem}" for problem in problems))


@final
@attrs.frozen
class Config:
    """The settings of one project. *root* is the folder of its pyproject.toml, or where the command runs if none speaks of eventcore."""

    root: Path
    sources: tuple[Path, ...] = ()
    exclude: tuple[str, ...] = ()
    severity: Mapping[str, Level] = MappingProxyType({})

    @property
    def excluded(self) -> Excluded:
        return Excluded(self.root, self.exclude)

    def level(self, code: str) -> Severity | None:
        """Return what *code* counts for here; None where it is not reported."""
        level = self.severity.get(code)
        if level is None:
            return default_severity(code)
        return None if level == "off" else Severity(level)

    def weighed(self, diagnostics: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
        """Yield *diagnostics* as heavy as the project takes them."""
        for diagnostic in diagnostics:
            severity = self.level(diagnostic.code)
            if severity is not None:
                yield attrs.evolve(diagnostic, severity=severity)


def settings(paths: Iterable[Path], base: Path) -> Config:
    """Return the settings for *paths*, or for the project's own sources where there are none. Raises CannotBegin."""
    paths = tuple(paths)
    config = find_config(paths, base)
    if not paths and not config.sources:
        raise CannotBegin('no PATH was given, and no pyproject.toml above says `sources = ["..."]` in [tool.eventcore]')
    return config


def find_config(paths: Iterable[Path], base: Path) -> Config:
    """Return the settings of the project that the first of *paths* lies in, *base* if there are none.

    It is the nearest pyproject.toml above that has a ``[tool.eventcore]``. Raises BadConfig.
    """
    first = next(iter(paths), None)
    start = base if first is None else absolute(base / first)
    for folder in (start, *start.parents):
        path = folder / FILE
        table = _table(path) if path.is_file() else None
        if table is not None:
            return _read(path, table)
    return Config(base)


def _table(path: Path) -> object:
    try:
        document = tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise BadConfig(path, [f"it cannot be read: {error.strerror or error}"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadConfig(path, [f"it is no TOML: {error}"]) from error
    tool = document.get("tool")
    return tool.get("eventcore") if _is_table(tool) else None


def _read(path: Path, table: object) -> Config:
    if not _is_table(table):
        raise BadConfig(path, ["[tool.eventcore] must be a table"])
    problems = list(_problems(table, path.parent))
    if problems:
        raise BadConfig(path, problems)
    return Config(
        root=path.parent,
        sources=tuple(path.parent / name for name in cast("list[str]", table.get("sources", []))),
        exclude=tuple(cast("list[str]", table.get("exclude", []))),
        severity=MappingProxyType(cast("dict[str, Level]", table.get("severity", {}))),
    )


def _problems(table: Mapping[str, object], root: Path) -> Iterator[str]:
    for key in table:
        if key not in _KEYS:
            yield f"[tool.eventcore] has no key {key!r}; it has {', '.join(_KEYS)}"
    for key in ("sources", "exclude"):
        value = table.get(key, [])
        if not _is_texts(value):
            yield f'[tool.eventcore] {key} must be a list of texts, as in {key} = ["src"]; it is {value!r}'
        elif key == "sources":
            yield from (
                f"[tool.eventcore] sources names {name!r}, and {root / name} does not exist" for name in value if not (root / name).exists()
            )
    severity = table.get("severity", {})
    if not _is_table(severity):
        yield f'[tool.eventcore] severity must be a table, as in severity = {{ EC201 = "error" }}; it is {severity!r}'
        return
    for code, level in severity.items():
        yield from _severity_problems(code, level)


def _severity_problems(code: str, level: object) -> Iterator[str]:
    if code not in CODES:
        yield f"[tool.eventcore.severity] names {code}, which is no code; docs/errors lists them"
    elif level not in _LEVELS:
        yield f"[tool.eventcore.severity] {code} is {level!r}; it must be one of {', '.join(map(repr, _LEVELS))}"
    elif default_severity(code) is Severity.ERROR and level != "error":
        yield f"[tool.eventcore.severity] {code} cannot be {level!r}: {CODES[code]} leaves nothing that could be generated rightly"


def _is_table(value: object) -> TypeGuard[dict[str, object]]:
    """A table of TOML: its keys are texts."""
    return isinstance(value, dict)


def _is_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(item, str) for item in cast("list[object]", value))
