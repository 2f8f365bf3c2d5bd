from __future__ import annotations

import json
from pathlib import Path

import pytest

from eventcore.cli import main

SHOP = """
from eventcore import StreamId, command, event, state, stream

@event("cart.added")
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

@command
class Look:
    cart: StreamId[Cart] = stream(read_only=True)

    def handle(self, streams, state):
        return []
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "cart.py").write_text(SHOP)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("Cart", "Cart: a state, of the category cart                                    cart.py:9"),
        ("cart", "cart: a category of streams\n  state Cart                                                           cart.py:9"),
        (
            "cart-1",
            "cart-1: a stream of the category cart\n  state Cart                                                           cart.py:9",
        ),
    ],
)
def test_it_says_what_it_is_and_who_writes_and_reads_it(name, head, project, capsys):
    assert main(["who", name, "."]) == 0

    assert capsys.readouterr() == (f"{head}\n\n  writes  Fill.cart  cart.py:15\n  reads   Look.cart  cart.py:22\n", "")


@pytest.mark.parametrize("name", ["Added", "cart.added"])
def test_an_event_may_be_written_by_who_writes_its_streams(name, project, capsys):
    assert main(["who", name, "."]) == 0

    out = capsys.readouterr().out
    assert out.startswith("Added: an event, stored as cart.added, version 1")
    assert out.endswith("\n\n  may write  Fill.cart  cart.py:15\n  reads      Look.cart  cart.py:22\n")


def test_json(project, capsys):
    assert main(["who", "cart-1", ".", "--format", "json"]) == 0

    data = json.loads(capsys.readouterr().out)
    assert (data["version"], data["name"], data["found"][0]["kind"]) == (1, "cart-1", "stream")
    assert data["found"][0]["touched_by"] == [
        {
            "command": "Fill",
            "field": "cart",
            "kind": "one",
            "access": "write",
            "state": "Cart",
            "category": "cart",
            "certain": True,
            "path": "cart.py",
            "line": 15,
        },
        {
            "command": "Look",
            "field": "cart",
            "kind": "one",
            "access": "read",
            "state": "Cart",
            "category": "cart",
            "certain": True,
            "path": "cart.py",
            "line": 22,
        },
    ]


def test_an_unknown_name_is_an_error_with_those_that_are_close(project, capsys):
    assert main(["who", "Crat", "."]) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert (
        err == "eventcore: no state, category, stream or event is called 'Crat'\nhelp: did you mean 'Cart' (state) or 'cart' (category)?\n"
    )


def test_a_name_that_is_like_nothing_is_sent_to_the_map(project, capsys):
    assert main(["who", "zzz", "."]) == 2
    assert capsys.readouterr().err.endswith("help: `eventcore map` lists all states, categories and events\n")


def test_a_command_is_told_apart_from_an_unknown_name(project, capsys):
    assert main(["who", "Fill", "."]) == 2
    assert capsys.readouterr().err.startswith("eventcore: 'Fill' is a command, not a state")


def test_faults_elsewhere_do_not_keep_the_answer_back(project, capsys):
    (project / "broken.py").write_text("import eventcore\ndef (\n")

    assert main(["who", "Cart", "."]) == 2

    out, err = capsys.readouterr()
    assert "writes  Fill.cart" in out
    assert "broken.py:2:5: EC117 error" in err


def test_mermaid_shows_who_has_to_do_with_it_and_nobody_else(project, capsys):
    (project / "more.py").write_text(
        SHOP.replace("Cart", "Shelf").replace("cart", "shelf").replace("Fill", "Tidy").replace("Look", "Count")
    )
    assert main(["who", "--format", "mermaid", "Cart", "."]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "flowchart LR",
        '    c1["Fill"]',
        '    c2["Look"]',
        '    s1[("cart")]',
        '    c1 <-->|"cart"| s1',
        '    c2 --o|"cart"| s1',
    ]


def test_mermaid_shows_a_state_that_nobody_uses(project, capsys):
    (project / "cart.py").write_text(SHOP.partition("@command")[0])
    assert main(["who", "--format", "mermaid", "Cart", "."]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == ["flowchart LR", '    s1[("cart")]']
