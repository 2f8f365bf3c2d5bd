from __future__ import annotations

import json
from pathlib import Path

import pytest

from eventcore.cli import main

STATE = """
from eventcore import event, state

@event
class Added:
    pass

@state
class Cart:
    def apply(self, event: Added) -> "Cart":
        return self
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/cart.py").write_text(STATE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def document(capsys) -> dict:
    out, err = capsys.readouterr()
    assert err == ""
    return json.loads(out)


def test_diff_shows_what_would_change_and_is_content(project, capsys):
    assert main(["generate", "--diff", "."]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("shop/cart_streams.py: missing\n--- /dev/null\n+++ shop/cart_streams.py\n")
    assert out.endswith("eventcore: 1 stale\n")
    assert err == "help: run `eventcore generate .`\n"
    assert not (project / "shop/cart_streams.py").exists()


def test_diff_still_exits_with_2_for_errors(project, capsys):
    (project / "shop/cart.py").write_text(STATE.replace("event: Added", "event"))
    assert main(["generate", "--diff", "."]) == 2


def test_json_is_one_document_with_spans_and_files(project, capsys):
    (project / "shop/box.py").write_text(STATE.replace("event: Added", "event").replace("@event", "@event('boxed')"))
    (project / "shop/foreign.py").write_text(STATE.replace("@event", "@event('other')"))
    (project / "shop/foreign_streams.py").write_text("mine = 1\n")

    assert main(["generate", "--json", "--check", "shop"]) == 2

    found = document(capsys)
    diff = found["files"][0].pop("diff")
    assert diff.startswith("--- /dev/null\n+++ shop/cart_streams.py\n")
    assert found["files"] == [
        {"path": "shop/cart_streams.py", "kind": "missing"},
        {"path": "shop/foreign_streams.py", "kind": "blocked", "diff": ""},
    ]
    assert (found["version"], found["mode"], found["exit_code"]) == (1, "check", 2)
    assert found["summary"] == {"generated": 0, "removed": 0, "unchanged": 0, "stale": 1, "skipped": 1, "errors": 2, "warnings": 0}
    first, second = found["diagnostics"]
    assert first == {
        "code": "EC106",
        "severity": "error",
        "path": "shop/box.py",
        "span": {"line": 10, "column": 21, "end_line": 10, "end_column": 26},
        "message": first["message"],
        "help": first["help"],
        "source": '    def apply(self, event) -> "Cart":',
    }
    assert second["code"] == "EC119"


def test_json_says_what_became_of_each_file(project, capsys):
    main(["generate", "--json", "."])
    assert [file["kind"] for file in document(capsys)["files"]] == ["missing"]
    main(["generate", "--json", "."])
    assert document(capsys)["files"] == [{"path": "shop/cart_streams.py", "kind": "unchanged", "diff": ""}]
    (project / "shop/cart.py").write_text("")
    main(["generate", "--json", "."])
    found = document(capsys)
    assert [file["kind"] for file in found["files"]] == ["orphaned"]
    assert found["summary"]["removed"] == 1


def test_the_sources_of_the_project_are_read_from_its_settings(project, capsys, monkeypatch):
    (project / "pyproject.toml").write_text('[tool.eventcore]\nsources = ["shop"]\nexclude = ["*_old.py"]\n')
    (project / "shop/cart_old.py").write_text(STATE)
    monkeypatch.chdir(project / "shop")
    assert main(["generate", "--check"]) == 1
    assert capsys.readouterr().err == "help: run `eventcore generate`\n"
    assert main(["generate"]) == 0
    assert capsys.readouterr().out == "eventcore: 1 generated\n"
    assert sorted(path.name for path in project.rglob("*_streams.py")) == ["cart_streams.py"]
    assert (project / ".eventcore_cache").is_dir()


@pytest.mark.parametrize("pattern", ["shop/cart.py", "cart.py", "shop/__init__.py", "shop"])
def test_what_is_excluded_is_left_alone_with_what_was_generated_from_it(project, capsys, pattern):
    (project / "box.py").write_text(STATE.replace("Cart", "Box").replace("@event", "@event('boxed')"))
    (project / "shop/__init__.py").write_text(STATE.replace("Cart", "Bag").replace("@event", "@event('bagged')"))
    assert main(["generate", "."]) == 0
    excluded = {"shop": ["shop/cart", "shop/"], "shop/__init__.py": ["shop/"]}.get(pattern, ["shop/cart"])
    old = {project / f"{path}_streams.py": (project / f"{path}_streams.py").read_text() + "# old\n" for path in excluded}
    (project / "pyproject.toml").write_text(f'[tool.eventcore]\nexclude = ["{pattern}"]\n')
    for path, text in old.items():
        path.write_text(text)

    assert main(["generate", "--check", "."]) == 0
    assert main(["generate", "."]) == 0

    assert {path: path.read_text() for path in old} == old
    for path in old:
        path.unlink()
    assert main(["generate", "."]) == 0
    assert not any(path.exists() for path in old)


def test_a_module_of_the_users_is_not_excluded_for_its_name(project, capsys):
    (project / "shop/cart_streams.py").write_text(STATE.replace("Cart", "Bag"))
    (project / "pyproject.toml").write_text('[tool.eventcore]\nexclude = ["cart.py"]\n')

    assert main(["generate", "."]) == 0

    assert (project / "shop/cart_streams_streams.py").exists()


def test_the_settings_are_those_above_the_path_however_it_is_written(project, capsys, monkeypatch):
    (project / "pyproject.toml").write_text('[tool.eventcore]\nexclude = ["*_old.py"]\n')
    (project / "shop/cart_old.py").write_text(STATE)
    (project / "tools").mkdir()
    (project / "tools/pyproject.toml").write_text("[tool.eventcore]\nexclude = ['*']\n")
    monkeypatch.chdir(project / "tools")

    assert main(["generate", "../shop"]) == 0

    assert sorted(path.name for path in project.rglob("*_streams.py")) == ["cart_streams.py"]


@pytest.mark.parametrize(("level", "code", "shown"), [("error", 2, "EC201 error"), ("warning", 0, "EC201 warning"), ("off", 0, "")])
def test_a_warning_counts_for_what_the_project_says(project, capsys, level, code, shown):
    (project / "pyproject.toml").write_text(f'[tool.eventcore.severity]\nEC201 = "{level}"\n')
    (project / "shop/other.py").write_text(
        "from cart import *\n" + STATE.replace("@event\nclass Added:\n    pass\n", "").replace("Cart", "Box")
    )
    assert main(["generate", "shop"]) == code
    err = capsys.readouterr().err
    assert shown in err if shown else err == ""


def test_nothing_to_read_is_said_with_what_to_do(project, capsys):
    assert main(["generate"]) == 2
    assert (
        capsys.readouterr().err
        == 'eventcore: no PATH was given, and no pyproject.toml above says `sources = ["..."]` in [tool.eventcore]\n'
    )


def test_a_problem_with_the_settings_is_a_document_too(project, capsys):
    (project / "pyproject.toml").write_text("[tool.eventcore]\nsorces = []\n")
    assert main(["generate", "--json", "."]) == 2
    assert document(capsys)["problem"].endswith("pyproject.toml: [tool.eventcore] has no key 'sorces'; it has sources, exclude, severity")
    assert main(["generate", "."]) == 2
    assert capsys.readouterr().err.startswith("eventcore: ")


def test_check_and_diff_exclude_each_other(project, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["generate", "--check", "--diff", "."])
    assert ended.value.code == 2
