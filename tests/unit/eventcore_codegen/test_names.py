"""Names are followed to where they are defined, however they got to where they are used."""

from __future__ import annotations

import sys

import pytest

from eventcore_codegen.model import ClassRef, ClassType, unaliased

COMMAND = """
@command
class Fill:
    cart: StreamId[{state}] = stream()
    def handle(self, streams, state): return []
"""


def state_ref(source, fill: str, **files: str) -> ClassRef | None:
    modules = source.modules({"shop/__init__.py": "", "shop/cart.py": source.CART, "shop/fill.py": fill} | files)
    state = unaliased(modules["shop.fill"].commands[0].streams[0].state)
    return state.ref if isinstance(state, ClassType) and state.kind == "state" else None


@pytest.mark.parametrize(
    ("imports", "name"),
    [
        ("from shop.cart import Cart", "Cart"),
        ("from .cart import Cart", "Cart"),
        ("from . import cart", "cart.Cart"),
        ("from shop.cart import Cart as Basket", "Basket"),
        ("import shop.cart", "shop.cart.Cart"),
        ("import shop.cart as c", "c.Cart"),
        ("from shop import cart as c", "c.Cart"),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from shop.cart import Cart", "Cart"),
        ("import typing\nif typing.TYPE_CHECKING:\n    from shop.cart import Cart\nelse:\n    pass", "Cart"),
        ("try:\n    from shop.cart import Cart\nexcept ImportError:\n    raise", "Cart"),
        ("from shop.cart import Cart\nfrom .cart import Cart", "Cart"),
        ("from shop.cart import Cart\nBasket = Cart", "Basket"),
        ("from typing import TypeAlias\nfrom shop.cart import Cart\nBasket: TypeAlias = 'Cart'", "Basket"),
        ("from shop.cart import Cart", "'Cart'"),
        ("from typing import Annotated\nfrom shop.cart import Cart", "Annotated[Cart, 'the basket']"),
    ],
)
def test_a_state_is_found_through_every_kind_of_import(source, imports, name):
    assert state_ref(source, source.HEAD + imports + COMMAND.format(state=name)) == ClassRef("shop.cart", "Cart")


def test_a_state_is_found_through_re_exports_of_re_exports(source):
    files = {"shop/api/__init__.py": "from .v1 import Cart as Cart\n", "shop/api/v1.py": "from shop.cart import Cart\n"}

    found = state_ref(source, source.HEAD + "from shop.api import Cart" + COMMAND.format(state="Cart"), **files)

    assert found == ClassRef("shop.cart", "Cart")


@pytest.mark.parametrize("alias", ["Short: TypeAlias = Cart", "Short: typing.TypeAlias = 'Cart'", "Short = Cart"])
def test_a_state_is_found_through_an_alias_in_a_class(source, alias):
    names = f"import typing\nfrom typing import TypeAlias\nfrom shop.cart import Cart\nclass Names:\n    {alias}\n"

    assert state_ref(source, source.HEAD + names + COMMAND.format(state="Names.Short")) == ClassRef("shop.cart", "Cart")


@pytest.mark.parametrize(
    "text",
    [
        "from own import command, state\n@command\nclass A: pass\n",
        "import own as o\n@o.command()\nclass A: pass\n",
        "import own\n@own.command(\n    allow_aliases=True,\n)\n# so\n@other\nclass A: pass\n",
    ],
)
def test_a_module_that_has_the_decorators_from_another_is_read(source, text):
    handed_on = "from eventcore import command as command, state as state\n"

    assert ("EC101", text.count("\n")) in source.codes({"own.py": handed_on, "a.py": text + "\n"})


def test_what_is_decorated_by_another_library_is_no_fault(source):
    text = "import click\n@click.command()\nclass A: pass\n@bot.event\nasync def b(): pass\n"

    assert source.codes({"a.py": text}) == []


@pytest.mark.parametrize(
    ("imports", "decorator", "marker"),
    [
        ("import eventcore as ec", "ec.command", "ec.stream"),
        ("import eventcore as ec\ncmd, (_, read) = ec.command, (ec.event, ec.stream)", "cmd", "read"),
        ("import eventcore as ec\ncmd = decorator = ec.command", "cmd", "stream"),
        ("from eventcore import command as cmd\nfrom eventcore.declare import stream as read", "cmd", "read"),
    ],
)
def test_decorators_are_known_by_what_they_are(source, imports, decorator, marker):
    fill = f"@{decorator}\nclass Fill:\n    cart: StreamId[Cart] = {marker}()\n    def handle(self, streams, state): return []\n"

    (command,) = source.modules({"a.py": f"{source.CART}{imports}\n{fill}"})["a"].commands

    assert command.streams[0].kind == "one"


@pytest.mark.parametrize(
    "bound", ["cmd, *rest = ec.command, 1", "cmd, other = *[ec.command], 1", "cmd, other = both", "[cmd] = ec.command"]
)
def test_what_a_name_is_bound_to_is_not_guessed(source, bound):
    text = f"import eventcore as ec\n{bound}\n@cmd\nclass A: pass\n"

    assert source.modules({"a.py": text})["a"].commands == ()


def test_a_class_that_is_decorated_with_another_command_is_none(source):
    assert source.modules({"a.py": "import eventcore\nfrom click import command\n@command\nclass A: pass\n"})["a"].commands == ()


def test_cyclic_imports_are_followed_once(source):
    a = (
        source.HEAD
        + "from b import Nothing\nfrom b import Cart\n"
        + COMMAND.format(state="Cart")
        + COMMAND.replace("Fill", "Other").format(state="Nothing")
    )
    b = source.CART + "from a import Nothing\n"

    assert source.codes({"a.py": a, "b.py": b}) == [("EC103", a.split("\n").index("    cart: StreamId[Nothing] = stream()") + 1)]


def test_modules_beyond_the_given_paths_are_read_but_not_generated(source):
    source.write(
        {"shop/__init__.py": "", "shop/cart.py": source.CART, "shop/fill.py": source.HEAD + "from shop.cart import Cart" + source.FILL}
    )

    outcome = source.generate("shop/fill.py")

    assert [item.relative for item in outcome.rendered] == ["shop/fill.py"]
    assert not (source.root / "shop/cart_streams.py").exists()


def test_of_two_star_imports_that_bring_a_name_the_last_counts(source):
    other = source.HEAD + "@event\nclass Put: pass\n@state\nclass Cart:\n    def apply(self, event: Put) -> Cart: return self\n"
    fill = source.HEAD + "from shop.cart import *\nfrom shop.other import *" + COMMAND.format(state="Cart")

    modules = source.modules({"shop/__init__.py": "", "shop/cart.py": source.CART, "shop/other.py": other, "shop/fill.py": fill})

    assert modules["shop.fill"].commands[0].streams[0].state.ref == ClassRef("shop.other", "Cart")


def test_a_name_through_a_star_import_is_found_with_a_warning(source):
    fill = source.HEAD + "from cart import *" + source.FILL
    source.write({"cart.py": source.CART, "fill.py": fill})

    outcome = source.generate()

    assert [(fault.code, fault.is_error) for fault in outcome.diagnostics] == [("EC201", False)]
    assert (source.root / "fill_streams.py").exists()


@pytest.mark.parametrize(
    ("spelling", "kind"),
    [
        ("StreamId[Cart]", "one"),
        ("StreamId[Cart] | None", "optional"),
        ("None | StreamId[Cart]", "optional"),
        ("Optional[StreamId[Cart]]", "optional"),
        ("Union[StreamId[Cart], None]", "optional"),
        ("tuple[StreamId[Cart], ...]", "many"),
        ("Tuple[StreamId[Cart], ...]", "many"),
        ("CartId", "one"),
        ("Id[Cart]", "one"),
        ("tuple[Id[Cart], ...]", "many"),
        ("'StreamId[Cart] | None'", "optional"),
    ],
)
def test_the_kind_of_a_stream_is_read_from_every_spelling(source, spelling, kind):
    fill = "from typing import Optional, Tuple, Union\nCartId = StreamId[Cart]\nId = StreamId\n" + source.FILL.replace(
        "StreamId[Cart]", spelling
    )

    stream = source.modules({"a.py": source.CART + fill})["a"].commands[0].streams[0]

    assert (stream.kind, unaliased(stream.state).ref) == (kind, ClassRef("a", "Cart"))


def test_inherited_fields_stand_before_a_commands_own(source):
    base = "import attrs\n@attrs.frozen\nclass Base:\n    first: StreamId[Cart] = stream()\n    note: str\n"
    fill = source.FILL.replace("class Fill:", "class Fill(Base):").replace("    cart:", "    second:")

    command = source.modules({"a.py": source.CART + base + fill})["a"].commands[0]

    assert [stream.name for stream in command.streams] == ["first", "second"]
    assert [field.name for field in command.plain_fields] == ["note"]


def test_apply_and_handle_may_be_inherited_from_plain_classes(source):
    bases = "class Folds:\n    def apply(self, event: Added) -> 'Folds': return self\nclass Handles:\n    def handle(self, streams, state): return []\n"
    text = source.HEAD + "@event\nclass Added: pass\n" + bases
    text += "@state\nclass Cart(Folds): pass\n@command\nclass Fill(Handles):\n    cart: StreamId[Cart] = stream()\n"

    assert source.faults({"a.py": text}) == []


def test_the_module_name_begins_below_the_nearest_folder_that_is_no_package(source):
    source.write({"src/shop/__init__.py": "", "src/shop/sub/__init__.py": source.CART})

    (rendered,) = source.generate("src/shop/sub").rendered

    assert rendered.relative == "shop/sub/__init__.py"
    assert rendered.path == source.root / "src/shop/sub/_streams.py"
    assert 'source="shop.sub"' in rendered.text


@pytest.mark.parametrize("folder", [".hidden", "__pycache__", "node_modules", "site-packages", "env"])
def test_folders_that_hold_no_source_of_the_users_are_skipped(source, folder):
    source.write({f"{folder}/a.py": source.CART, "env/pyvenv.cfg": ""})

    assert source.generate().rendered == ()


def test_a_loop_of_links_is_walked_once(source):
    source.write({"shop/cart.py": source.CART})
    (source.root / "shop/again").symlink_to(source.root / "shop")

    assert len(source.generate().rendered) == 1


@pytest.mark.parametrize("names", [("cart.py", "fill.py"), ("shop/__init__.py", "shop/cart.py", "fill.py")])
def test_two_programs_may_have_modules_of_one_name(source, names):
    """A name leads to what lies below the root of the file that it stands in, before it leads to another root."""
    home = "shop.cart" if "shop/cart.py" in names else "cart"
    texts = {"fill.py": f"{source.HEAD}from {home} import Cart\n{source.FILL}", "shop/__init__.py": ""}
    for program in "east", "west":
        cart = source.CART.replace("cart.emptied", f"{program}.emptied").replace("class Added", f"class Added{program}")
        cart = cart.replace("Added |", f"Added{program} |")
        source.write({f"{program}/{name}": texts.get(name, cart) for name in names})
    assert source.generate().diagnostics == ()
    for program, other in ("east", "west"), ("west", "east"):
        text = source.text(f"{program}/fill_streams.py")
        assert f'"Added{program}"' in text
        assert f"{program}.emptied" in text
        assert other not in text


GENERIC = """
from typing import Optional, TypeAlias, TypeVar, Union
K = TypeVar("K")
S = TypeVar("S")
"""


@pytest.mark.parametrize(
    ("aliases", "annotation"),
    [
        ("Ident = StreamId[S]", "Ident[Cart]"),
        ("Ident: TypeAlias = 'StreamId[S]'", "Ident['Cart']"),
        ("Ident = StreamId[S]\nMaybe = Optional[Ident[S]]", "Maybe[Cart]"),
        ("Ident = StreamId[S]\nEither = Union[K, Ident[S]]", "Either[None, Cart]"),
        ("from typing_extensions import TypeAliasType\nIdent = TypeAliasType('Ident', StreamId[S], type_params=(S,))", "Ident[Cart]"),
        ("Ident = StreamId\nIdents = tuple[Ident[S], ...]", "Idents[Cart]"),
    ],
)
def test_a_state_is_found_through_a_generic_alias(source, aliases, annotation):
    files = {"shop/ids.py": source.HEAD + GENERIC + aliases + "\n", "shop/cart.py": source.CART, "shop/__init__.py": ""}
    fill = (
        source.HEAD
        + "from shop.ids import *\nfrom shop.cart import Cart\n"
        + COMMAND.format(state="Cart").replace("StreamId[Cart]", annotation)
    )

    modules = source.modules(files | {"shop/fill.py": fill})

    assert unaliased(modules["shop.fill"].commands[0].streams[0].state).ref == ClassRef("shop.cart", "Cart")


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python itself cannot read it")
@pytest.mark.parametrize(
    ("aliases", "annotation"),
    [
        ("type Ident[Added] = StreamId[Added]\ntype Many[T] = tuple[Ident[T], ...]\n", "Many[Cart]"),
        ("class Ids:\n    type Of[T] = StreamId[T]\n    type Cart = Of[Cart]\n", "Ids.Of[Cart]"),
    ],
)
def test_an_alias_may_have_type_parameters(source, aliases, annotation):
    text = source.CART + aliases + COMMAND.format(state="Cart")

    modules = source.modules({"a.py": text.replace("StreamId[Cart]", annotation)})

    assert unaliased(modules["a"].commands[0].streams[0].state).ref == ClassRef("a", "Cart")


@pytest.mark.parametrize("module", ["shop.things", "..things", "..", ".", "..inner"])
def test_a_star_import_is_to_be_replaced_by_one_of_the_same_module(source, module):
    text = source.HEAD + f"from {module} import *\n" + COMMAND.format(state="Cart")
    packages = dict.fromkeys(("shop/__init__.py", "shop/inner/__init__.py"), "from shop.things import Cart\n")
    files = packages | {"shop/things.py": source.CART, "shop/inner/fill.py": text}

    [help_] = [fault.help for fault in source.faults(files) if fault.code == "EC201"]

    assert help_ == f"import by name: from {module} import Cart"


@pytest.mark.parametrize("generated", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("first", [False, True], ids=["last", "first"])
@pytest.mark.parametrize(
    ("path", "module"), [("desk.py", "desk_streams"), ("hotel/desk.py", "hotel.desk_streams"), ("hotel/__init__.py", "._streams")]
)
def test_a_generated_name_is_of_the_module_that_is_generated_for_its_command(source, path, module, first, generated):
    handle = "def handle(self, streams: FillStreams, state: FillState, resolver: FillResolver) -> FillWrites:"
    text = (source.CART + source.FILL).replace("def handle(self, streams, state):", handle).replace("stream()", "stream(read_only=True)", 1)
    ours = f"if TYPE_CHECKING:\n    from {module} import *\n"
    stars = f"from typing import TYPE_CHECKING\n{ours if first else ''}from eventcore import *\n{'' if first else ours}"
    head = "from eventcore import Discovered, StreamId, command, discovered, event, state, stream\n"
    assert head in text
    files = {"hotel/__init__.py": "", path: text.replace(head, stars)}
    if generated:
        source.write(files)
        source.generate()

    helps = [fault.help for fault in source.faults(files) if fault.code == "EC201"]

    expected = [
        f"import by name: from {module} import FillResolver, FillState, FillStreams, FillWrites",
        "import by name: from eventcore import StreamId, command, event, state, stream",
    ]
    assert helps == (expected if first else expected[::-1])


STREAMS = """
from eventcore import discovered, stream
SHARED = stream()
OTHER = SHARED
def mine(): return stream()
def others(): return mine()
def bound():
    text: str = note()
    first, second = stream(read_only=True), text
    made: object = first
    return made
def chosen(): return stream() if SHARED else note()
def unbound():
    made = stream()
    return note()
def found():
    if SHARED:
        return discovered()
def around(): return around()
def note(): return str(1)
NOTE = note()
"""


@pytest.mark.parametrize(
    ("imports", "value", "marker"),
    [
        ("from things import SHARED", "SHARED", "stream"),
        ("from things import SHARED as OURS", "OURS", "stream"),
        ("from things import OTHER", "OTHER", "stream"),
        ("from passing import SHARED", "SHARED", "stream"),
        ("import things", "things.SHARED", "stream"),
        ("import things as t", "t.mine()", "stream"),
        ("from things import mine", "mine()", "stream"),
        ("from things import others", "others()", "stream"),
        ("from things import found", "found()", "discovered"),
        ("def mine(): return stream()", "mine()", "stream"),
        ("from things import bound", "bound()", "stream"),
        ("from things import chosen", "chosen()", "stream"),
        ("from things import unbound", "unbound()", ""),
        ("from things import around", "around()", ""),
        ("from things import note", "note()", ""),
        ("from things import NOTE", "NOTE", ""),
        ("from elsewhere import NOTE", "NOTE", ""),
    ],
)
def test_a_stream_that_is_made_elsewhere_is_told(source, imports, value, marker):
    text = source.CART + imports + "\n" + source.FILL.replace("stream()\n", f"stream()\n    other: StreamId[Cart] = {value}\n")
    files = {"a.py": text, "things.py": STREAMS, "passing.py": "from things import SHARED\n"}

    faults = [(fault.code, fault.message) for fault in source.faults(files) if fault.is_error]

    message = f"the field 'other' is declared by `{value}`, which is no plain call of {marker}()"
    assert faults == ([("EC132", message)] if marker else [])


def test_what_the_default_of_another_field_comes_to_is_not_looked_for(source):
    text = source.CART + "from things import SIZE\n" + source.FILL.replace("stream()\n", "stream()\n    size: int = SIZE\n")

    assert source.codes({"a.py": text, "things.py": "this is no python"}, "a.py") == []


@pytest.mark.parametrize("decorator", ["@dataclass", "@dataclass(frozen=True)", "@dataclasses.dataclass(frozen=True)"])
@pytest.mark.parametrize(("own", "told"), [("", True), ("    shared: StreamId[Cart] = stream()\n", False)])
def test_a_stream_of_a_dataclass_is_told(source, decorator, own, told):
    base = f"import dataclasses\nfrom dataclasses import dataclass\n{decorator}\nclass Base:\n    shared: StreamId[Cart] = stream()\n"
    text = source.CART + base + source.FILL.replace("class Fill:\n", f"class Fill(Base):\n{own}")

    faults = [(fault.code, fault.message) for fault in source.faults({"a.py": text}) if fault.is_error]

    message = "the stream field 'shared' is inherited from Base, a dataclass, which takes `stream()` for a default"
    assert faults == ([("EC132", message)] if told else [])
