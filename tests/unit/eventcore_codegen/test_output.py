"""What generated modules say."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from eventcore_codegen.output.layout import Chain, Group, Keyed, call, statement, text_literal, tuple_of, union
from eventcore_codegen.output.namespace import Namespace

COMMAND = "@command\nclass {name}:\n{fields}\n    def handle(self, streams, state, resolver): return []\n"


def generated(source, text: str) -> str:
    source.write({"a.py": source.CART + text})
    outcome = source.generate(write=False)
    assert outcome.diagnostics == ()
    return outcome.rendered[0].text


def command(source, fields: str, name: str = "Fill") -> str:
    return generated(source, COMMAND.format(name=name, fields="\n".join(f"    {line}" for line in fields.split("\n"))))


@pytest.mark.parametrize(
    ("field", "lines"),
    [
        ("cart: StreamId[Cart] = stream()", ["cart: WritableStream[FillStreams, CartEvent]", "cart: Handle", "cart: Cart"]),
        ("cart: StreamId[Cart] = stream(read_only=True)", ["cart: ReadOnlyStream", "self.cart = ReadOnlyStream(cart)"]),
        (
            "cart: StreamId[Cart] | None = stream()",
            [
                "cart: WritableStream[FillStreams, CartEvent] | None",
                "cart: Cart | None",
                "self.cart = None if cart is None else WritableStream(self, cart)",
            ],
        ),
        (
            "cart: StreamId[Cart] | None = stream(read_only=True)",
            ["cart: ReadOnlyStream | None", "cart_ids = () if streams.cart is None else (streams.cart.id,)"],
        ),
        (
            "carts: tuple[StreamId[Cart], ...] = stream()",
            ["carts: WritableStreams[FillStreams, Cart, CartEvent]", "carts: Mapping[StreamId[Cart], Cart]"],
        ),
        ("carts: tuple[StreamId[Cart], ...] = stream(read_only=True)", ["carts: ReadOnlyStreams[Cart]"]),
        (
            "carts: Discovered[Cart] = discovered()",
            ["carts: Discovery[Cart]", 'DISCOVERED: ClassVar[tuple[str, ...]] = ("carts",)', 'self.carts = Discovery("carts", request)'],
        ),
        (
            "carts: Discovered[Cart] = discovered(read_only=True)",
            ["carts: ReadOnlyStreams[Cart]", '"carts": (False, streams.carts.ids, carts_events)'],
        ),
    ],
)
def test_each_kind_of_stream_field_has_its_types(source, field, lines):
    text = command(source, field)

    assert [line for line in lines if line not in text] == []


def test_a_command_that_writes_nothing_refuses_every_write(source):
    text = command(source, "cart: StreamId[Cart] = stream(read_only=True)")

    assert 'FillWrites: TypeAlias = "Iterable[StreamWrite[FillStreams, Never]]"' in text
    assert "    return []\n" in text
    assert "is_write" not in text


def test_events_of_fields_that_are_only_read_are_no_writes(source):
    text = "@event\nclass Seen: pass\n@state\nclass Box:\n    def apply(self, event: Seen) -> Box: return self\n"
    fields = "    cart: StreamId[Cart] = stream()\n    box: StreamId[Box] = stream(read_only=True)"

    assert '"Iterable[StreamWrite[FillStreams, CartEvent]]"' in generated(source, text + COMMAND.format(name="Fill", fields=fields))


def test_a_command_that_folds_by_itself_has_the_state_that_initial_returns(source):
    folds = "    def initial(self) -> dict[str, Added]: return {}\n    def apply(self, state, event): return state\n"
    fields = "    cart: StreamId = stream(events=CartEvent)\n    carts: Discovered = discovered(events=Added, read_only=True)\n"

    text = generated(source, COMMAND.format(name="Fill", fields=fields + folds))

    assert 'FillState: TypeAlias = "dict[str, Added]"' in text
    assert "make_state=None" in text
    assert "carts: ReadOnlyStreams[object]" in text
    assert '"one",\n            False,\n            None,' in text


def test_the_stored_name_and_version_of_events_are_in_the_tables(source):
    assert 'EventRef("a", "Emptied", "cart.emptied", 2)' in command(source, "cart: StreamId[Cart] = stream()")


def test_an_alias_that_others_may_not_import_is_spelled_out(source):
    source.write({"a.py": source.CART.replace("CartEvent", "_CartEvent") + source.FILL})

    assert "WritableStream[FillStreams, Added | Emptied]" in source.generate().rendered[0].text


def test_an_alias_in_the_body_of_a_state_is_spelled_out(source):
    text = "@state\nclass Box:\n    Event = Added | Emptied\n    def apply(self, event: Event) -> Box: return self\n"

    assert "box: WritableStream[FillStreams, Added | Emptied]" in generated(
        source, text + COMMAND.format(name="Fill", fields="    box: StreamId[Box] = stream()")
    )


def test_names_are_normalised_as_python_does(source):
    assert '__slots__ = ("file",)' in command(source, "\ufb01le: StreamId[Cart] = stream()")


def test_object_in_brackets_is_no_state(source):
    folds = "    def initial(self) -> int: return 0\n    def apply(self, state, event): return state\n"
    fields = "    cart: StreamId[object] = stream(events=CartEvent)\n"

    assert "None,\n            (" in generated(source, COMMAND.format(name="Fill", fields=fields + folds))


def test_classes_of_one_name_from_two_modules_are_told_apart(source):
    files = {
        name: source.CART.replace("cart.emptied", f"{name}.emptied")
        .replace("class Added", f"class Added{name[0]}")
        .replace("Added |", f"Added{name[0]} |")
        for name in ("x.py", "y.py")
    }
    fields = "    a: StreamId[x.Cart] = stream()\n    b: StreamId[y.Cart] = stream()"
    source.write(files | {"a.py": source.HEAD + "import x, y\n" + COMMAND.format(name="Fill", fields=fields)})

    text = {item.relative: item.text for item in source.generate().rendered}["a.py"]

    assert "    from x import Cart, CartEvent\n    from y import Cart as YCart\n    from y import CartEvent as YCartEvent\n" in text
    assert "    b: YCart\n" in text


@pytest.mark.parametrize("name", ["Mapping", "Handle", "StreamSet", "FillStreams", "list", "TypeAlias", "GENERATED"])
def test_a_state_named_like_something_that_generated_code_uses_is_renamed_on_import(source, name):
    source.write({"a.py": source.CART.replace("Cart", name).replace(f"{name}Event", "CartEvent") + source.FILL.replace("Cart", name)})

    text = source.generate(write=False).rendered[0].text

    ast.parse(text)
    assert f"    from a import {name} as A" in text
    assert f'StateRef("a", "{name}")' in text


@pytest.mark.parametrize(
    "field", ["list", "type", "match", "id", "str", "tuple", "object", "write", "Handle", "WritableStream", "Cart", "request", "GENERATED"]
)
def test_fields_named_like_builtins_keywords_and_generated_names_are_valid(source, field):
    text = command(
        source,
        f"{field}: StreamId[Cart] = stream()\nmore_{field}: Discovered[Cart] = discovered()\n{field}s: Discovered[Cart] = discovered()",
    )

    ast.parse(text)
    assert f'"{field}",\n            "one",' in text


def test_two_commands_whose_snake_names_are_one_do_not_collide(source):
    one = COMMAND.format(name="FillUp", fields="    cart: StreamId[Cart] = stream()")
    two = COMMAND.format(name="Fill_Up", fields="    cart: StreamId[Cart] = stream()")

    text = generated(source, one + two)

    assert "commands=(FILL_UP, FILL_UP_2)" in text
    assert "def validate_fill_up_2(" in text


def test_a_module_with_states_alone_imports_only_what_its_table_needs(source):
    assert "from eventcore.typed import EventRef, GeneratedModule, StateRef, StateSpec\n" in generated(source, "")


def test_short_code_stays_on_its_line_and_long_code_has_one_item_per_line():
    assert statement("x = ", call("f", "a", Keyed("b=", "c"))) == "x = f(a, b=c)"
    assert statement("x = ", call("f", "a" * 50, "b" * 50)) == f"x = f(\n    {'a' * 50},\n    {'b' * 50},\n)"
    assert statement("x: ", Group("L[", ("a" * 90,), "]")) == f"x: L[\n    {'a' * 90}\n]"
    assert statement("x: ", union(("a" * 50, "b" * 50)), indent=4) == f"    x: (\n        {'a' * 50}\n        | {'b' * 50}\n    )"
    assert statement("x = ", Chain(("a", "b", "c"), ("if", "else"))) == "x = a if b else c"
    assert statement("x = ", tuple_of(("a",))) == "x = (a,)"


@pytest.mark.parametrize("text", ["plain", "it's", 'say "x"', """it's "x" """, "back\\slash", "größe"])
def test_literals_stand_for_their_text(text):
    assert ast.literal_eval(text_literal(text)) == text


def test_a_free_name_is_found_however_many_are_taken():
    names = Namespace({"Cart", "ShopCart"}, {})

    assert [names.typing("a.shop", "Cart"), names.typing("b.shop", "Cart"), names.typing("a.shop", "Cart")] == [
        "ShopCart2",
        "ShopCart3",
        "ShopCart2",
    ]


def test_output_is_what_the_formatter_makes_of_it_for_names_of_every_length(source):
    kinds = ("StreamId[{}]", "StreamId[{}] | None", "tuple[StreamId[{}], ...]", "Discovered[{}]")
    for length in range(1, 61, 3):
        word = "x" * length
        fields = [
            f"    {word}{number}{'r' * read_only}: {kind.format(f'Box{word}')} = {'discovered' if number == 3 else 'stream'}({'read_only=True' * read_only})"
            for number, kind in enumerate(kinds)
            for read_only in (False, True)
        ]
        state = f"@event('{word}')\nclass Seen{word}: pass\n@event('{word}2')\nclass Lost{word}: pass\n@state\nclass Box{word}:\n    def apply(self, event: Seen{word} | Lost{word}): return self\n"
        source.write({f"m{length}.py": source.HEAD + state + COMMAND.format(name=f"Fill{word}", fields="\n".join(fields))})
    assert source.generate().errors == 0
    files = sorted(map(str, source.root.glob("*_streams.py")))

    formatted = ruff("format", "--isolated", "--diff", *files)
    linted = ruff("check", "--isolated", *files)

    assert len(files) == 20
    assert formatted.returncode == 0, formatted.stdout + formatted.stderr
    assert linted.returncode == 0, linted.stdout + linted.stderr


def ruff(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("ruff")
    command = str(program) if program.exists() else shutil.which("ruff")
    assert command is not None, "install ruff: it is in the dependency group `lint`"
    return subprocess.run([command, *arguments], capture_output=True, text=True, check=False)
