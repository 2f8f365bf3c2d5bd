"""Chains that are longer than anybody writes by hand are not looked into; everything around them is, and stays where it is."""

from __future__ import annotations

import ast

import pytest

from eventcore_codegen.scan.chains import without_chains
from eventcore_codegen.scan.parse import parse
from eventcore_codegen.scan.places import Places
from eventcore_codegen.scan.syntax import Alias, Either, ModuleSyntax
from eventcore_codegen.sources.files import split_lines

SUM = " + ".join(map(str, range(900)))
LINES = "1\n + ".join(["1"] * 500)

CHAINS = {
    "sum": SUM,
    "sum in brackets": f"[({SUM}), {SUM}]",
    "sum in lines": f"({LINES})",
    "sum with comments": f"({LINES})".replace("\n", "  # and \\\n"),
    "sum continued": LINES.replace("\n", " \\\n"),
    "sum of texts": " + ".join(["'größe'"] * 900),
    "calls": "a" + ".b(1)" * 900,
    "attributes": "a" + ".b" * 900,
    "items": "a" + "[0]" * 900,
    "any of many": " or ".join(["a"] * 900),
    "texts in lines": "(" + "\n".join(["'a'"] * 900) + ")",
    "a long text": '"""' + "a\n" * 900 + '"""',
}


def shortened(text: str) -> str:
    return without_chains(text, ast.parse(text), Places(split_lines(text)))


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_what_stands_around_a_chain_is_read_where_it_is(source, chain, newline):
    text = f"class A: 'ö'; a = {chain}; b: int\n@x({chain}, y)\nclass B: pass\n".replace("\n", newline)
    short = shortened(text)

    assert chain.replace("\n", newline) not in short
    assert len(split_lines(short)) == len(split_lines(text))
    read = parse(text)
    assert isinstance(read, ModuleSyntax)
    [a, b] = read.classes
    lines = split_lines(text)
    field = a.fields[-1]
    assert (field.name, lines[field.span.line - 1][field.span.column - 1 : field.span.end_column - 1]) == ("b", "b")
    [decorator] = b.decorators
    assert decorator.arguments[1].text == "y"
    assert lines[b.span.line - 1][b.span.column - 1 : b.span.end_column - 1] == "B"


@pytest.mark.parametrize(
    "text",
    ["", "x = 1 + 2\n", f"x = f'{{{SUM}}}'\n", "Event = " + " | ".join(f"E{n}" for n in range(900)) + "\n", "x = [" + "1, " * 900 + "]\n"],
)
def test_what_is_no_chain_is_left_alone(text):
    assert shortened(text) is text


def test_a_union_counts_with_all_of_its_members():
    read = parse("Event = " + " | ".join(f"E{n}" for n in range(900)) + "\n")

    assert isinstance(read, ModuleSyntax)
    [binding] = read.bindings["Event"]
    assert isinstance(binding.bound, Alias)
    assert isinstance(binding.bound.value, Either)
    assert len(binding.bound.value.members) == 900


def test_long_chains_beside_declarations_change_nothing(source):
    source.write(
        {"a.py": source.CART + source.FILL, "b/a.py": source.CART + source.FILL + "".join(f"x = {chain}\n" for chain in CHAINS.values())}
    )

    assert [fault.code for fault in source.generate().diagnostics] == []
    assert source.text("b/a_streams.py") == source.text("a_streams.py")
