from __future__ import annotations

from pathlib import Path

import pytest

from eventcore_codegen.config import BadConfig, Config, find_config
from eventcore_codegen.diagnostics import Severity
from eventcore_codegen.sources.excluded import Excluded
from eventcore_codegen.sources.files import find_files


def settings(root: Path, text: str) -> Path:
    (root / "pyproject.toml").write_text(text)
    return root


def test_the_nearest_settings_above_the_first_path_are_taken(tmp_path):
    settings(tmp_path, '[tool.eventcore]\nexclude = ["outer"]\n')
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    settings(tmp_path / "a", "[tool.other]\n")
    assert find_config([Path("a/b")], tmp_path) == Config(tmp_path, exclude=("outer",))
    settings(tmp_path / "a", '[tool.eventcore]\nsources = ["b"]\n')
    assert find_config([inner], tmp_path) == Config(tmp_path / "a", sources=(inner,))
    assert find_config([], inner).root == tmp_path / "a"


def test_without_settings_the_project_is_where_the_command_runs(tmp_path):
    assert find_config([Path("a")], tmp_path) == Config(tmp_path)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[tool.eventcore]\nsorces = []", "[tool.eventcore] has no key 'sorces'; it has sources, exclude, severity"),
        ("[tool.eventcore]\nsources = 'src'", "[tool.eventcore] sources must be a list of texts, as in sources = [\"src\"]; it is 'src'"),
        ("[tool.eventcore]\nexclude = [1]", '[tool.eventcore] exclude must be a list of texts, as in exclude = ["src"]; it is [1]'),
        ("[tool.eventcore]\nsources = ['nowhere']", "[tool.eventcore] sources names 'nowhere', and {root}/nowhere does not exist"),
        ("[tool.eventcore]\nseverity = 3", '[tool.eventcore] severity must be a table, as in severity = {{ EC201 = "error" }}; it is 3'),
        ("[tool.eventcore.severity]\nEC999 = 'off'", "[tool.eventcore.severity] names EC999, which is no code; docs/errors lists them"),
        ("[tool.eventcore.severity]\nEC201 = 'no'", "[tool.eventcore.severity] EC201 is 'no'; it must be one of 'error', 'warning', 'off'"),
        (
            "[tool.eventcore.severity]\nEC101 = 'off'",
            "[tool.eventcore.severity] EC101 cannot be 'off': a command without a stream field leaves nothing that could be generated rightly",
        ),
        ("[tool]\neventcore = 1", "[tool.eventcore] must be a table"),
        ("[tool.eventcore", "it is no TOML: Expected ']' at the end of a table declaration (at end of document)"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(tmp_path, text, problem):
    settings(tmp_path, text)
    with pytest.raises(BadConfig) as refused:
        find_config([], tmp_path)
    assert str(refused.value) == f"{tmp_path}/pyproject.toml: {problem.format(root=tmp_path)}"


def test_all_problems_are_told_at_once(tmp_path):
    settings(tmp_path, "[tool.eventcore]\na = 1\nb = 2\nexclude = 3\n")
    with pytest.raises(BadConfig) as refused:
        find_config([], tmp_path)
    assert len(str(refused.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("pattern", "path", "excluded"),
    [
        ("build", "build", True),
        ("build", "src/build/cart.py", True),
        ("build", "src/rebuild/cart.py", False),
        ("*_old.py", "src/cart_old.py", True),
        ("src/*.py", "src/cart.py", True),
        ("src/*.py", "src/shop/cart.py", False),
        ("src/**/old.py", "src/old.py", True),
        ("src/**/old.py", "src/a/b/old.py", True),
        ("/build", "src/build", False),
        ("./build/", "build/cart.py", True),
        ("a?c.py", "abc.py", True),
        ("a.c", "abc", False),
    ],
)
def test_patterns_mean_what_they_mean_in_a_gitignore(pattern, path, excluded):
    assert Excluded(Path("/project"), ("none", pattern))(Path("/project") / path) is excluded


def test_levels():
    config = Config(Path("/"), severity={"EC201": "error", "EC202": "off"})
    assert [config.level(code) for code in ("EC201", "EC202", "EC203", "EC101")] == [Severity.ERROR, None, Severity.WARNING, Severity.ERROR]


@pytest.mark.parametrize(
    ("pattern", "named", "found"),
    [
        ("old", "src/old", ["a.py", "b_old.py"]),
        ("src", "src/old", ["a.py", "b_old.py"]),
        ("src/old/", "src/old", ["a.py", "b_old.py"]),
        ("src/old/**", "src/old", ["a.py", "b_old.py"]),
        ("src/old/*", "src/old", ["a.py", "b_old.py"]),
        ("*_old.py", "src/old", ["a.py"]),
        ("old", "src", []),
        ("old", "src/old/b_old.py", ["b_old.py"]),
    ],
)
def test_a_folder_that_is_named_is_searched_though_it_is_excluded(tmp_path, pattern, named, found):
    folder = tmp_path / "src/old"
    folder.mkdir(parents=True)
    for name in ("a.py", "b_old.py"):
        (folder / name).write_text("")

    files, faults = find_files([tmp_path / named], Excluded(tmp_path, ("none", pattern)))

    assert [path.name for path in files] == found
    assert faults == []
