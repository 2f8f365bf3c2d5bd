"""The program tells what the patterns do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from patterns.__main__ import main
from patterns.stories import STORIES


def test_the_program_tells_all_stories(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0

    output = capsys.readouterr().out

    assert re.findall(r"^  ([\w-]+)$", output, re.MULTILINE) == list(STORIES)
    assert len(re.findall(r"went off call$", output, re.MULTILINE)) == 1
    assert len(re.findall(r"refused: doctor-\w+-\w+ has to stay", output)) == 1
    assert "written are stay-ada" in output
    assert "all customers together owe 1,200" in output
    assert "is settled on 1 of its 3 streams" in output
    assert "is settled on 3 of its 3 streams" in output


def test_the_program_tells_one_story_again_on_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert main(["lazy", "conditional", "--file", str(tmp_path / "patterns.db")]) == 0

    assert capsys.readouterr().out.count("a large claim of 9,000 is settled on 3 of its 3 streams") == 2


def test_the_program_refuses_a_pattern_that_it_does_not_know(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["saga"])

    assert caught.value.code == 2
    assert "there is no pattern 'saga'; there are read-only, conditional, partitioned, lazy" in capsys.readouterr().err
