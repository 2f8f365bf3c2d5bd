"""The mutants fit the sources as they are now. That each is caught takes minutes, and is what `make mutants` shows."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.mutants.table import ROOT, Mutant, load

MUTANTS = load()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_changes_the_sources(mutant: Mutant, tmp_path: Path) -> None:
    files = {edit.file for edit in mutant.edits}
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    mutant.apply(tmp_path)

    for file in files:
        changed = (tmp_path / file).read_text(encoding="utf-8")
        assert changed != (ROOT / file).read_text(encoding="utf-8")
        if file.endswith(".py"):
            compile(changed, file, "exec")


def test_mutants_have_names_of_their_own() -> None:
    names = [mutant.name for mutant in MUTANTS]

    assert len(names) == len(set(names))
