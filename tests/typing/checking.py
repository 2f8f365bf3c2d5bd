"""The proofs, and what each type checker says of them.

A proof is never run. Every line of it that must fail says ``# E: why``, and where not every checker finds that out, ``# E, but not in ty: why``;
exactly these lines fail. Whether the others could fail at all is seen on a copy, in which every `assert_type` claims a type that nothing has.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs

from tests.golden.harness import CHECKERS as STRICT
from tests.golden.harness import CHECKOUT, Finding, cases, generate, import_roots, python_files

HERE = Path(__file__).parent
MARK = re.compile(r"# E(?:, but not in (?P<blind>\w+(?:, \w+)*))?: \S")
WRONG = "Wrong"

TY_REPORT = re.compile(r"(?P<path>[^:]+):(?P<line>\d+):\d+: (?:error|warning)\[(?P<rule>[\w-]+)\] (?P<text>.*)")

BESIDES = re.compile(
    r"\[(name-defined|import-\w+|unused-\w+|used-before-def|reportUndefined\w+|reportUnknown\w+|reportUnused\w+|reportMissing(?!Parameter|TypeArg)\w+"
    r"|unresolved-\w+|syntax|invalid-syntax)\]$"
)
"""What a line may not be refused for, or a slip of the proof's author would pass for what the line is there to show."""


@attrs.frozen
class Proof:
    path: Path

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def lines(self) -> list[str]:
        return self.path.read_text(encoding="utf-8").splitlines()

    def at(self, number: int) -> str:
        return f"{self.path.name}:{number}: {self.lines[number - 1].strip()}"

    def refused(self, checker: str) -> set[int]:
        """Return the numbers of the lines that *checker* has to refuse."""
        marks = ((number, MARK.search(line)) for number, line in enumerate(self.lines, 1))
        return {number for number, mark in marks if mark and checker not in (mark["blind"] or "").split(", ")}

    def claims(self) -> dict[int, ast.expr]:
        """Return what the proof claims to be the type of something, by line."""
        calls = (node for node in ast.walk(self.tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "assert_type")
        return {call.lineno: call.args[1] for call in calls}

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text(encoding="utf-8"))

    def falsified(self) -> str:
        """Return the proof with every claim made wrong, on the lines that they stand on."""
        lines = self.lines
        for number, claim in self.claims().items():
            if not number == claim.lineno == claim.end_lineno:
                raise AssertionError(f"{self.path}:{number}: write it on one line")
            line = lines[number - 1]
            lines[number - 1] = f"{line[: claim.col_offset]}{WRONG}{line[claim.end_col_offset :]}"
        return "\n".join([*lines, f"class {WRONG}: ...", ""])


PROJECT = HERE / "project"
"""A stream of each kind. What is generated for it is made anew."""

NO_PROOFS = {"checking.py", "conftest.py"}
PROOFS = [Proof(path) for path in sorted(HERE.glob("*.py")) if path.name not in NO_PROOFS and not path.name.startswith("test_")]


def ty(folder: Path, roots: Sequence[Path]) -> list[Finding]:
    """Check every file below *folder* with ty as it comes: it knows no strict mode."""
    # An empty one of its own keeps out the settings of whatever stands above the folder.
    (folder / "ty.toml").write_text("", encoding="utf-8")
    search = [argument for root in [*roots, CHECKOUT] for argument in ("--extra-search-path", str(root))]
    command = [str(Path(sys.executable).with_name("ty")), "check", "--python", sys.prefix, "--python-version", "3.11", *search]
    options = ["--config-file", "ty.toml", "--output-format", "concise", "--no-progress"]
    done = subprocess.run([*command, *options, "."], capture_output=True, text=True, timeout=300, check=False, cwd=folder)
    if done.returncode not in (0, 1):
        raise AssertionError(f"ty did not run:\n{done.stdout}{done.stderr}")
    reported = filter(None, map(TY_REPORT.match, done.stdout.splitlines()))
    found = [
        Finding((folder / report["path"]).resolve(), int(report["line"]), f"{report['text']} [{report['rule']}]") for report in reported
    ]
    if f"Found {len(found)} diagnostic" not in done.stdout:
        raise AssertionError(f"not all that ty says was understood:\n{done.stdout}")
    return found


CHECKERS: Mapping[str, Callable[[Path, Sequence[Path]], list[Finding]]] = {**STRICT, "ty": ty}

Findings = Mapping[str, Mapping[str, Mapping[int, list[str]]]]
"""What was found: by checker, by file (without its suffix), by line."""


def check(base: Path) -> Findings:
    """Check all proofs and their falsified copies, with the projects that they import: one run of each checker, side by side."""
    folder = base / "proofs"
    folder.mkdir()
    for proof in PROOFS:
        shutil.copy(proof.path, folder)
        (folder / f"{proof.name}_falsified.py").write_text(proof.falsified(), encoding="utf-8")
    roots = import_roots(projects(base / "projects"))
    with ThreadPoolExecutor(2) as pool:
        running = {name: pool.submit(checker, folder, roots) for name, checker in CHECKERS.items()}
        return {name: by_line(future.result()) for name, future in running.items()}


def projects(folder: Path) -> Iterator[Path]:
    """Copy what the proofs import: the golden projects, and the one beside them with what is generated for it."""
    for case in cases():
        if not case.is_faulty:
            yield from python_files(case.copy(folder / case.name, generated=True).root)
    own = shutil.copytree(PROJECT, folder / "own")
    made = generate(own, ".")
    if made.exit_code or made.diagnostics:
        raise AssertionError(made.diagnostics)
    yield from python_files(own)


def by_line(findings: Sequence[Finding]) -> Mapping[str, Mapping[int, list[str]]]:
    found: dict[str, dict[int, list[str]]] = {}
    for finding in findings:
        found.setdefault(finding.path.stem, {}).setdefault(finding.line, []).append(finding.text)
    return found
