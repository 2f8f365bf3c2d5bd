"""Some commands take a store's URL as their argument, others behind `--url`: the wrong place is told, and no password with it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from eventcore.cli import main
from eventcore.cli.projections import _ACTIONS

URL = "postgresql://ada:sesame@db.example/shop"
SHOWN = "postgresql://ada:***@db.example/shop"
ACTIONS = [name for name, _, _ in _ACTIONS]


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """No store in the environment, no project around."""
    monkeypatch.delenv("EVENTCORE_URL", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def refused(capsys):
    """Run a command that refuses; return what it says."""

    def run(*arguments: str) -> str:
        try:
            code = main(arguments)
        except SystemExit as ended:
            code = ended.code
        captured = capsys.readouterr()
        assert code == 2
        assert "sesame" not in captured.err + captured.out
        return captured.err

    return run


@pytest.mark.parametrize("store", [None, "sqlite:///shop.db"])
@pytest.mark.parametrize("action", ACTIONS)
def test_a_url_in_the_place_of_a_projection_is_given_with_an_option(action, store, refused, monkeypatch):
    if store is not None:
        monkeypatch.setenv("EVENTCORE_URL", store)

    said = refused("projections", action, URL)

    assert f"{SHOWN!r} is where a store is, and stands in the place of the NAME of a projection; give it as --url {SHOWN}" in said
    assert "no store is named" not in said


@pytest.mark.parametrize("where", ["shop.db", "sqlite:///shop.db", "SQLITE:///shop.db", URL])
def test_a_store_in_the_place_of_a_stream_is_given_with_an_option(where, refused):
    assert "stands in the place of the id of a STREAM or an EVENT; give it as --url" in refused("show", where)


def test_the_id_of_a_stream_may_look_like_a_store_beside_the_option(refused):
    assert "stands in the place" not in refused("show", "postgresql://stream", "--url", "missing.db")


def test_the_id_of_a_stream_may_look_like_a_file_where_the_environment_names_the_store(refused, monkeypatch):
    monkeypatch.setenv("EVENTCORE_URL", "missing.db")

    assert "stands in the place" not in refused("show", "invoice-7.db")


@pytest.mark.parametrize("arguments", [("show", "account-1"), ("projections", "pause", "balances"), ("projections", "list")])
def test_who_names_no_store_is_told_of_the_option(arguments, refused):
    assert "give its URL with --url, or set EVENTCORE_URL" in refused(*arguments)


@pytest.mark.parametrize("command", ["streams", "events", "tail", "doctor", "migrate"])
def test_who_names_no_store_is_told_of_the_argument(command, refused):
    assert "give its URL, or set EVENTCORE_URL" in refused(command)


@pytest.mark.parametrize(
    "arguments",
    [
        *(("projections", action, "balances", URL) for action in ACTIONS),
        ("show", "account-1", URL),
        *((command, *url) for command in ("streams", "events", "tail", "doctor", "migrate") for url in (("--url", URL), (f"--url={URL}",))),
        ("streams", URL, URL),
        ("streams", "-n", URL),
        (URL,),
        ("projections", URL),
        ("--url", URL, "streams"),
    ],
)
def test_a_url_where_none_is_read_is_told_its_places(arguments, refused):
    said = refused(*arguments)

    assert "error: " in said
    assert "eventcore streams URL" in said
    assert "eventcore projections status NAME --url URL" in said


@pytest.mark.parametrize("arguments", [("generate", URL), ("map", URL), ("who", "Account", URL), ("who", URL)])
def test_a_command_that_reads_the_source_takes_no_store(arguments, refused):
    assert f"{SHOWN!r} is where a store is, and this command reads Python files" in refused(*arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ("generate", f"url={URL}"),
        ("map", f"./{URL}"),
        ("who", URL.replace("//", "/")),
        ("pg", "start", "--data", URL),
        ("pg", "start", "--data", "cluster", "--bin", URL),
        ("streams", f"sqlite:///{URL}"),
    ],
)
def test_a_url_that_is_taken_for_something_else_is_not_quoted_with_its_password(arguments, refused):
    assert "***@db.example/shop" in refused(*arguments)


def test_a_url_that_is_taken_for_a_stream_is_not_quoted_with_its_password(refused, tmp_path):
    assert main(["migrate", str(tmp_path / "shop.db")]) == 0

    assert f"there is no stream {SHOWN!r}" in refused("show", URL, "--url", str(tmp_path / "shop.db"))


@pytest.mark.parametrize("password", ["ses ame", "ses\\ame", "ses'ame", 'ses"ame', "sés%20ame"])
@pytest.mark.parametrize(
    "arguments", [("projections", "pause", "balances", "{}"), ("--url", "{}"), ("streams", "--limit={}"), ("generate", "{}")]
)
def test_no_spelling_of_a_password_is_quoted(arguments, password, refused):
    said = refused(*(word.format(f"postgresql://ada:{password}@db.example/shop") for word in arguments))

    assert SHOWN in said
    assert "ame@" not in said


def test_what_has_nothing_to_do_with_stores_is_refused_as_ever(refused):
    said = refused("streams", "--unknown")

    assert said.splitlines()[-1] == "eventcore: error: unrecognized arguments: --unknown"


def test_the_command_of_a_terminal_prints_no_password():
    program = [sys.executable, "-m", "eventcore", "projections", "pause", "balances", URL]
    done = subprocess.run(program, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert SHOWN in done.stderr
    assert "sesame" not in done.stderr + done.stdout
