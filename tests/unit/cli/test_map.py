from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from eventcore.cli import main
from eventcore_codegen.cache import syntaxes

SHOP = """
from eventcore import StreamId, command, event, state, stream

@event
class Added:
    pass

@state
class Cart:
    def apply(self, event: Added) -> "Cart":
        return self

@command
class Fill:
    cart: StreamId[Cart] = stream()

    def handle(self, streams, state):
        return []
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "cart.py").write_text(SHOP)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_text_is_what_it_prints(project, capsys):
    assert main(["map", "."]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("COMMANDS\n\n  Fill  ")
    assert out.endswith("\n  Fill\n    cart  itself\n")
    assert err == ""


def test_mermaid(project, capsys):
    assert main(["map", "--format", "mermaid", "cart.py"]) == 0
    assert capsys.readouterr().out.partition("\n")[2] == 'flowchart LR\n    c1["Fill"]\n    s1[("cart")]\n    c1 <-->|"cart"| s1\n'


def test_json(project, capsys):
    assert main(["map", ".", "--format=json"]) == 0
    assert json.loads(capsys.readouterr().out)["commands"][0]["name"] == "Fill"


def test_nothing_is_written_and_nothing_imported(project, capsys):
    (project / "cart.py").write_text(SHOP + "raise SystemExit('imported')\n")

    assert main(["map", "."]) == 0
    assert {path.name for path in project.iterdir()} == {"cart.py", ".eventcore_cache"}
    assert main(["map", ".", "--no-cache"]) == 0


def test_without_a_cache_nothing_at_all_is_written(project, capsys):
    assert main(["map", ".", "--no-cache"]) == 0

    assert [path.name for path in project.rglob("*")] == ["cart.py"]


def test_the_settings_of_the_project_say_what_is_read_and_what_a_warning_counts_for(project, capsys):
    (project / "old").mkdir()
    unwritten = SHOP.replace("return []", "return [1]")
    for folder in project, project / "old":
        (folder / "cart.py").write_text(unwritten)
    (project / "pyproject.toml").write_text('[tool.eventcore]\nsources = ["."]\nexclude = ["old"]\nseverity = { EC202 = "error" }\n')
    assert main(["map", "--format", "json"]) == 2
    out, err = capsys.readouterr()
    assert [command["path"] for command in json.loads(out)["commands"]] == ["cart.py"]
    assert "EC202 error" in err

    (project / "pyproject.toml").write_text('[tool.eventcore]\nsources = ["old"]\nseverity = { EC202 = "off" }\n')
    assert main(["map", "--format", "json"]) == 0
    out, err = capsys.readouterr()
    assert [command["path"] for command in json.loads(out)["commands"]] == ["old/cart.py"]
    assert err == ""


@pytest.mark.parametrize("arguments", [["map"], ["who", "Cart"]])
def test_where_neither_a_path_nor_the_settings_name_sources_that_is_said(arguments, project, capsys):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert (out, err.startswith("eventcore: no PATH was given, and no pyproject.toml")) == ("", True)

    (project / "pyproject.toml").write_text("[tool.eventcore]\nsorces = []\n")
    assert main(arguments) == 2
    assert "[tool.eventcore] has no key 'sorces'" in capsys.readouterr().err


def test_a_text_that_was_read_before_is_not_parsed_again(project, capsys, monkeypatch):
    parsed = []
    parse = syntaxes.parse_source
    monkeypatch.setattr(syntaxes, "parse_source", lambda text: parsed.append(text) or parse(text))
    (project / "other.py").write_text("from eventcore import event\n@event\nclass First:\n    pass\n")
    assert main(["map", "."]) == 0
    assert len(parsed) == 2
    first = capsys.readouterr().out

    assert main(["map", "."]) == 0
    assert (len(parsed), capsys.readouterr().out) == (2, first)
    (project / "other.py").write_text("from eventcore import event\n@event\nclass Second:\n    pass\n")
    assert main(["who", "Second", "."]) == 0
    assert (len(parsed), "Second: an event" in capsys.readouterr().out) == (3, True)


@pytest.mark.parametrize("format", ["text", "mermaid", "json"])
def test_faults_are_printed_and_what_is_sound_is_shown(format, project, capsys):
    (project / "cart.py").write_text(
        SHOP + "\n@command\nclass Lost:\n    where: StreamId[Nowhere] = stream()\n    def handle(self, streams, state): ...\n"
    )
    (project / "broken.py").write_text("import eventcore\ndef (\n")

    assert main(["map", ".", "--format", format]) == 2

    out, err = capsys.readouterr()
    assert "Fill" in out
    assert "EC103 error" in err
    assert "EC117 error" in err
    assert err.endswith("eventcore: 2 errors; what they keep unread is left out\n")
    if format == "text":
        assert "LEFT OUT, FOR FAULTS\n\n  file broken.py" in out
    if format == "json":
        assert [each["name"] for each in json.loads(out)["left_out"]] == ["broken.py", "Lost"]


def test_warnings_change_no_exit_code(project, capsys):
    (project / "other.py").write_text(
        "from cart import *\n" + SHOP.replace("@event\nclass Added:\n    pass\n", "").replace("Cart", "Box").replace("Fill", "Pack")
    )

    assert main(["map", "."]) == 0
    assert "EC201 warning" in capsys.readouterr().err


def test_a_path_that_does_not_exist(project, capsys):
    assert main(["map", "nowhere"]) == 2
    assert "nowhere:1:1: EC120 error" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["map", "."], ["who", "Cart", "."]])
def test_without_the_extra_it_says_which_to_install(arguments, project):
    code = f"import sys; sys.modules['libcst'] = None\nfrom eventcore.cli import main\nsys.exit(main({arguments!r}))"

    done = run(["-c", code])

    assert done.returncode == 2
    assert "pip install 'eventcore-py[codegen]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [["map", "."], ["who", "Cart", "."]])
def test_the_renderer_is_not_needed(arguments, project):
    code = f"import sys; sys.modules['jinja2'] = None\nfrom eventcore.cli import main\nsys.exit(main({arguments!r}))"

    assert run(["-c", code]).returncode == 0


def test_a_reader_that_closes_its_end_is_no_error(project):
    many = "".join(SHOP.partition("@command")[2].replace("Fill", f"Fill{number}").join(["@command", ""]) for number in range(400))
    (project / "cart.py").write_text(SHOP + many)

    process = subprocess.Popen(
        [sys.executable, "-m", "eventcore", "map", "."], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()

    assert process.stderr.read() == ""
    assert process.wait(60) == 0
    process.stderr.close()


def run(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, env=environment())


def environment() -> dict[str, str]:
    return {"PYTHONPATH": ":".join(path for path in sys.path if path)}


PROGRAM = {
    "cart.py": """
from eventcore import event, state

@event("{name}-added")
class Added:
    pass

@state(category="{name}")
class Cart:
    def apply(self, event: Added) -> "Cart":
        return self
""",
    "fill.py": """
from cart import Added, Cart
from eventcore import Recorded, StreamId, command, stream

@command
class Fill{name}:
    cart: StreamId[Cart] = stream()

    def handle(self, streams, state):
        yield streams.cart.write(Added())

@command
class Guess{name}:
    cart: StreamId = stream(events=Added)

    def initial(self) -> int:
        return 0

    def apply(self, state: int, event: Recorded[Added]) -> int:
        return state

    def handle(self, streams, state):
        yield streams.cart.write(Added())
""",
}


@pytest.fixture
def two_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two folders of programs, whose modules and classes are called the same, and a third that uses what the second declares."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        for file, text in PROGRAM.items():
            (tmp_path / name / file).write_text(text.format(name=name))
    (tmp_path / "three").mkdir()
    (tmp_path / "three" / "empty.py").write_text(PROGRAM["fill.py"].format(name="three").replace("from cart", "from shared.carts"))
    (tmp_path / "two" / "shared").mkdir()
    (tmp_path / "two" / "shared" / "__init__.py").touch()
    (tmp_path / "two" / "shared" / "carts.py").write_text(PROGRAM["cart.py"].format(name="shared"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("paths", [("one", "two", "three"), ("three", "two", "one")])
def test_modules_of_one_name_in_two_programs_are_told_apart(two_programs, paths, capsys):
    assert main(["map", *paths, "--format", "json"]) == 0

    data = json.loads(capsys.readouterr().out)
    found = {command["name"]: [(stream["category"], stream["events"]) for stream in command["streams"]] for command in data["commands"]}
    assert found == {
        "Fillone": [("one", ["one/cart.py:Added"])],
        "Filltwo": [("two", ["two/cart.py:Added"])],
        "Fillthree": [("shared", ["shared.carts.Added"])],
        "Guessone": [(None, ["one/cart.py:Added"])],
        "Guesstwo": [(None, ["two/cart.py:Added"])],
        "Guessthree": [(None, ["shared.carts.Added"])],
    }
    assert [(state["name"], state["category"], state["events"]) for state in data["states"]] == [
        ("one/cart.py:Cart", "one", ["one/cart.py:Added"]),
        ("shared.carts.Cart", "shared", ["shared.carts.Added"]),
        ("two/cart.py:Cart", "two", ["two/cart.py:Added"]),
    ]
    assert [event["stored"] for event in data["events"]] == ["one-added", "shared-added", "two-added"]
    assert data["left_out"] == []
    met = {tuple(sorted(conflict["commands"])) for conflict in data["conflicts"]}
    assert {pair for pair in met if pair[0] != pair[1]} == {(f"Fill{name}", f"Guess{name}") for name in ("one", "two", "three")}


def test_who_tells_two_programs_apart(two_programs, capsys):
    assert main(["who", "two-added", ".", "--format", "json"]) == 0

    [found] = json.loads(capsys.readouterr().out)["found"]
    assert {touch["command"] for touch in found["touched_by"]} == {"Filltwo", "Guesstwo"}
    assert found["event"]["path"] == "two/cart.py"
