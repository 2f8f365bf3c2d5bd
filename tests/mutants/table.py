"""The mutants as data: `mutants.toml`, read and checked."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import attrs

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_name("mutants.toml")


class DoesNotApply(Exception):
    """The text that a mutant replaces is not there, or there more than once: the source has moved on, and the mutant has to follow."""


@attrs.frozen
class Edit:
    file: str
    before: str
    after: str

    def apply(self, root: Path) -> None:
        path = root / self.file
        text = path.read_text(encoding="utf-8")
        if (times := text.count(self.before)) != 1:
            raise DoesNotApply(f"{self.file} holds this text {times} times, expected once:\n{self.before}")
        path.write_text(text.replace(self.before, self.after), encoding="utf-8")


@attrs.frozen
class Suite:
    """Tests to run. *seconds* is the time after which one of them has failed."""

    name: str
    tests: tuple[str, ...]
    seconds: int


@attrs.frozen
class Mutant:
    """One guard taken away: of *suite*, the test *caught_by* must fail, which is named after *bug*."""

    bug: str
    suite: Suite
    what: str
    caught_by: str
    edits: tuple[Edit, ...]

    @property
    def name(self) -> str:
        return f"{self.bug} [{self.suite.name}: {self.what}]"

    def is_caught(self, test: str) -> bool:
        return test == self.caught_by or test.startswith(f"{self.caught_by}[")

    def apply(self, root: Path) -> None:
        for edit in self.edits:
            edit.apply(root)


def load() -> list[Mutant]:
    table: dict[str, Any] = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    suites = {name: Suite(name, tuple(suite["tests"]), suite["seconds"]) for name, suite in table["suites"].items()}
    return [
        Mutant(
            bug=each["bug"],
            suite=suites[each["suite"]],
            what=each["what"],
            caught_by=each.get("caught_by", f"test_{each['bug']}"),
            edits=tuple(Edit(**edit) for edit in each["edit"]),
        )
        for each in table["mutant"]
    ]
