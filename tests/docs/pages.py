"""Markdown pages as data: their code blocks, their links.

How a page says what is to be tested:

* ``python title="x.py"`` is a file, in any language; all files of one page make one project. A file that comes again replaces the former one.
* ``console`` is a transcript: lines that begin with ``$ `` are run in that project, in the page's order, and what follows is what they print, where a line
  ``...`` stands for any lines, and seconds such as ``0.2 s`` for any time. It has to succeed, unless its output speaks of an error, a failure or something stale, or ``$ echo $?`` follows
  with the exit code. Installations and activations are left out: the
  tests run in an environment that has it all.
* ``<!-- continues: page.md -->`` begins with the project as that page left it; checkers are run on that page alone.
* In a file whose name begins with ``mistakes`` the lines with a comment are exactly those that mypy and pyright refuse.
* other ``python`` blocks are fragments: they have to be Python.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import attrs

ROOT = Path(__file__).resolve().parents[2]

_BLOCK = re.compile(r"^```(?P<language>\w+)(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r'title="([^"]+)"')
_INLINE = re.compile(r"`[^`\n]+`")
_CONTINUES = re.compile(r"^<!-- continues: (?P<page>\S+) -->$", re.MULTILINE)
_CODE = "echo $?"
_SPEAKS_OF_FAILURE = re.compile("error|failed|stale", re.IGNORECASE)
_LEFT_OUT = ("pip install ", "python3 -m venv ", "source ", "mkdir ", "cd ", _CODE)
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")


@attrs.frozen
class Step:
    """One command of a transcript and what it prints."""

    command: str
    output: str
    code: int


@attrs.frozen
class Block:
    language: str
    title: str | None
    text: str

    @property
    def steps(self) -> list[Step]:
        return list(_steps(self.text)) if self.language == "console" else []


@attrs.frozen
class Page:
    path: Path
    text: str

    @property
    def blocks(self) -> list[Block]:
        return [Block(found["language"], _title(found["info"]), found["text"]) for found in _BLOCK.finditer(self.text)]

    @property
    def files(self) -> dict[str, str]:
        return {block.title: block.text for block in self.blocks if block.title is not None}

    @property
    def before(self) -> Page | None:
        """The page whose project this one goes on with."""
        found = _CONTINUES.search(self.text)
        return read(self.path.parent / found["page"]) if found else None

    @property
    def steps(self) -> list[Step]:
        return [step for block in self.blocks for step in block.steps]

    @property
    def links(self) -> list[str]:
        """The targets of links that stay within the repository."""
        prose = _INLINE.sub("", _BLOCK.sub("", self.text))
        return [found["target"] for found in _LINK.finditer(prose) if "://" not in found["target"]]


def read(path: Path) -> Page:
    return Page(path, path.read_text(encoding="utf-8"))


def pages() -> list[Page]:
    """Return every page of the repository that its readers are sent to."""
    return [read(path) for path in [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]]


def _title(info: str) -> str | None:
    found = _TITLE.search(info)
    return found[1] if found else None


def _steps(transcript: str) -> Iterator[Step]:
    parts = [part.partition("\n")[::2] for part in re.split(r"^\$ ", transcript, flags=re.MULTILINE)[1:]]
    for (command, output), (following, code) in zip(parts, [*parts[1:], ("", "")], strict=True):
        if not command.startswith(_LEFT_OUT):
            yield Step(command, output, int(code) if following == _CODE else int(_SPEAKS_OF_FAILURE.search(output) is not None))
