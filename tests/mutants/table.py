"""The mutants as data: `mutants.toml`, read and checked."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import attrs

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_name("mutants.toml")


class DoesNotApply(Exception):  # noqa: N818
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
class Mutant:
    """One guard taken away. *tests* are the files to run; the test named after *bug* must fail."""

    bug: str
    suite: str
    what: str
    tests: tuple[str, ...]
    edits: tuple[Edit, ...]

    @property
    def name(self) -> str:
        return f"{self.bug} [{self.suite}: {self.what}]"

    def apply(self, root: Path) -> None:
        for edit in self.edits:
            edit.apply(root)


def load() -> list[Mutant]:
    table: dict[str, Any] = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    suites = table["suites"]
    return [
        Mutant(each["bug"], each["suite"], each["what"], tuple(suites[each["suite"]]), tuple(Edit(**edit) for edit in each["edit"]))
        for each in table["mutant"]
    ]
