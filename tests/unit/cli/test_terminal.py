from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventcore.cli.look.terminal import Column, Table, Terminal, harmless, shortened, width_of

COLUMNS = (Column("ID", right=True), Column("NAME", "cyan", shrinks=True), Column("DATA", shrinks=True))
cells = st.text(max_size=60)


@given(st.lists(st.tuples(st.integers(0, 10**6).map(str), cells, cells), min_size=1), st.integers(40, 200))
def test_no_line_is_wider_than_the_terminal(rows, width):
    for line in Table(Terminal(width, coloured=False), COLUMNS).lines(rows):
        assert width_of(line) <= width


@given(cells)
def test_nothing_is_printed_that_a_terminal_obeys(text):
    shown = harmless(text)

    assert not any(ord(one) < 32 or 127 <= ord(one) < 160 or one in "\u202e\u2066" for one in shown)
    if not any(ord(one) < 32 for one in text):
        written = json.dumps(text, ensure_ascii=False)
        assert json.loads(harmless(written)) == text


def test_columns_line_up_whatever_their_letters_take():
    lines = list(Table(Terminal(None, coloured=False), COLUMNS).lines([("1", "日本", "x"), ("22", "ab", "y")]))

    assert lines == ["ID  NAME  DATA", " 1  日本  x", "22  ab    y"]


def test_titles_come_once_and_columns_never_shrink_again():
    table = Table(Terminal(None, coloured=False), COLUMNS)

    assert list(table.lines([])) == []
    assert len(list(table.lines([("1", "longer name", "x")]))) == 2
    assert list(table.lines([("2", "a", "y")])) == [" 2  a            y"]


@pytest.mark.parametrize(("text", "width", "shown"), [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("日本語", 5, "日本…"), ("日本語", 4, "日…")])
def test_what_does_not_fit_is_shortened(text, width, shown):
    assert shortened(text, width) == shown


def test_colour_is_for_terminals_alone():
    assert Terminal(80, coloured=True).styled("x", "red") == "\x1b[31mx\x1b[0m"
    assert Terminal(None, coloured=False).styled("x", "red") == "x"
