"""The files beside this one are never run. Every line of theirs that must fail says ``# E: why``; exactly these fail, in both checkers."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.golden.harness import CHECKERS, Finding, cases, import_roots, python_files

HERE = Path(__file__).parent
PROOFS = sorted(path for path in HERE.glob("*.py") if not path.name.startswith("test_"))
MARK = re.compile(r"# E: \S")


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[Finding]]:
    """What each checker says of all files together, with the golden projects to import from: one run of each, side by side."""
    base = tmp_path_factory.mktemp("typing")
    folder = base / "proofs"
    folder.mkdir()
    for path in PROOFS:
        shutil.copy(path, folder)
    projects = [case.copy(base / "projects" / case.name, generated=True) for case in cases() if not case.is_faulty]
    roots = import_roots(path for project in projects for path in python_files(project.root))
    with ThreadPoolExecutor(2) as pool:
        running = {name: pool.submit(check, folder, roots) for name, check in CHECKERS.items()}
        return {name: future.result() for name, future in running.items()}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.parametrize("proof", PROOFS, ids=lambda path: path.stem)
def test_exactly_the_marked_lines_fail(proof: Path, checker: str, findings: Mapping[str, list[Finding]]) -> None:
    lines = proof.read_text().splitlines()
    expected = {number for number, line in enumerate(lines, 1) if MARK.search(line)}
    found = {finding.line: finding.text for finding in findings[checker] if finding.path.name == proof.name}
    accepted = [f"{number}: {lines[number - 1].strip()}" for number in sorted(expected - found.keys())]
    refused = [f"{number}: {lines[number - 1].strip()}\n    {found[number]}" for number in sorted(found.keys() - expected)]
    assert (accepted, refused) == ([], []), f"{checker} accepts what must fail, or refuses what must pass"


def test_every_proof_marks_lines() -> None:
    assert [path.name for path in PROOFS if not MARK.search(path.read_text())] == []
