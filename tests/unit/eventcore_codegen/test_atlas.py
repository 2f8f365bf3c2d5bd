from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventcore import declare
from eventcore_codegen.atlas import Atlas, Unknown, find, read
from eventcore_codegen.atlas.conflicts import conflicts
from eventcore_codegen.atlas.values import CommandEntry, EventEntry, Place, StateEntry, Use
from eventcore_codegen.model import ClassRef

ROOT = Path(__file__).resolve().parents[3]

HEAD = "from eventcore import Discovered, StreamId, command, discovered, event, state, stream\n"
HANDLE = "    def handle(self, streams, state):\n        return []\n"
FOLD = "    def initial(self) -> int:\n        return 0\n    def apply(self, state, event):\n        return state\n"


def events(*names):
    return "".join(f"@event\nclass {name}:\n    pass\n" for name in names)


def state(name, held, arguments=""):
    decorator = f"@state({arguments})" if arguments else "@state"
    return f"{decorator}\nclass {name}:\n    def apply(self, event: {held}):\n        return self\n"


def command(name, *fields):
    fold = FOLD if any("events=" in field for field in fields) else ""
    return f"@command\nclass {name}:\n" + "".join(f"    {field}\n" for field in fields) + HANDLE + fold


def one(name, of, arguments=""):
    return f"{name}: StreamId[{of}] = stream({arguments})"


@pytest.fixture
def chart(source):
    def chart(*declarations, **files):
        source.write({"app.py": HEAD + "".join(declarations), **{f"{name}.py": text for name, text in files.items()}})
        return read([source.root], base=source.root)

    return chart


def pairs(atlas: Atlas) -> dict[tuple[str, str], str]:
    return {(each.first, each.second): each.verdict for each in atlas.conflicts}


CARTS = events("Added", "Emptied") + state("Cart", "Added | Emptied")
SHOPPERS = events("Joined") + state("Shopper", "Joined")


# --- what there is


def test_a_command_shows_each_stream_with_what_it_does_to_how_many(chart):
    atlas = chart(
        CARTS,
        SHOPPERS,
        command(
            "Buy",
            one("cart", "Cart"),
            one("shopper", "Shopper", "read_only=True"),
            "spare: StreamId[Cart] | None = stream(default=None)",
            "more: tuple[StreamId[Cart], ...] = stream()",
            "found: Discovered[Shopper] = discovered(read_only=True)",
            "note: str",
        ),
    ).atlas

    (buy,) = atlas.commands
    assert [(use.name, use.kind, use.read_only, use.state.category) for use in buy.uses] == [
        ("cart", "one", False, "cart"),
        ("shopper", "one", True, "shopper"),
        ("spare", "optional", False, "cart"),
        ("more", "many", False, "cart"),
        ("found", "discovered", True, "shopper"),
    ]
    assert [event.label for event in buy.writes] == ["Added", "Emptied"]
    assert [use.place.line - buy.place.line for use in buy.uses] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("name", ["Cart", "ShoppingCart", "HTTPServer", "A", "AB", "Order2Item", "already_snake", "X9Y", "ABc", "Ünïcode"])
def test_the_category_of_a_state_is_the_one_that_it_has_at_run_time(name, chart):
    scope: dict[str, object] = {}
    exec(HEAD + events("Added") + state(name, "Added"), scope)  # noqa: S102  # the same text, run instead of read

    (entry,) = chart(events("Added"), state(name, "Added")).atlas.states

    assert entry.category == declare.state_marker(scope[name]).category


@pytest.mark.parametrize(
    ("arguments", "category", "ignores"),
    [
        ("category='item'", "item", False),
        ("category=None", "cart", False),
        ("category=NAME", None, False),
        ("ignore_unknown=True", "cart", True),
        ("ignore_unknown=False", "cart", False),
        ("ignore_unknown=NAME", "cart", True),
    ],
)
def test_what_the_marker_of_a_state_says(arguments, category, ignores, chart):
    (entry,) = chart("NAME = 'x'\n", events("Added"), state("Cart", "Added", arguments)).atlas.states

    assert (entry.category, entry.ignores_unknown) == (category, ignores)


def test_classes_of_one_name_are_told_apart_by_their_modules(chart):
    text = HEAD + events("Added") + state("Cart", "Added") + command("Fill", one("cart", "Cart"))

    atlas = chart(other=text.replace("@event\n", "@event('other')\n")).atlas
    assert [command.label for command in atlas.commands] == ["Fill"]

    atlas = chart(text.removeprefix(HEAD), other=text.replace("@event\n", "@event('other')\n")).atlas
    assert [command.label for command in atlas.commands] == ["app.Fill", "other.Fill"]
    assert [state.label for state in atlas.states] == ["app.Cart", "other.Cart"]
    assert pairs(atlas) == {("app.Fill", "app.Fill"): "can", ("app.Fill", "other.Fill"): "can", ("other.Fill", "other.Fill"): "can"}


# --- conflicts


def test_who_writes_conflicts_with_all_that_read_and_with_itself_and_readers_with_nobody(chart):
    atlas = chart(
        CARTS,
        SHOPPERS,
        command("Fill", one("cart", "Cart")),
        command("Look", one("cart", "Cart", "read_only=True"), one("shopper", "Shopper", "read_only=True")),
        command("Stare", one("cart", "Cart", "read_only=True")),
    ).atlas

    assert pairs(atlas) == {("Fill", "Fill"): "can", ("Fill", "Look"): "can", ("Fill", "Stare"): "can"}


def test_a_conflict_says_on_which_streams_and_which_fields(chart):
    atlas = chart(
        CARTS,
        SHOPPERS,
        command("Join", one("shopper", "Shopper")),
        command("Buy", one("cart", "Cart"), "found: Discovered[Shopper] = discovered(read_only=True)"),
    ).atlas

    grounds = {(each.first, each.second): [(g.streams, g.first.name, g.second.name) for g in each.grounds] for each in atlas.conflicts}
    assert grounds == {
        ("Buy", "Buy"): [("cart", "cart", "cart")],
        ("Buy", "Join"): [("shopper", "found", "shopper")],
        ("Join", "Join"): [("shopper", "shopper", "shopper")],
    }


def test_states_of_one_category_share_their_streams(chart):
    atlas = chart(
        CARTS,
        state("CartSize", "Added", "category='cart', ignore_unknown=True"),
        command("Fill", one("cart", "Cart")),
        command("Measure", one("size", "CartSize", "read_only=True")),
    ).atlas

    assert pairs(atlas)["Fill", "Measure"] == "can"


def test_categories_of_which_one_begins_like_the_other_may_share_ids(chart):
    atlas = chart(
        events("Added"),
        state("Item", "Added", "category='item'"),
        state("ItemX", "Added", "category='item-x'"),
        state("ItemY", "Added", "category='itemy'"),
        command("A", one("item", "Item")),
        command("B", one("item", "ItemX")),
        command("C", one("item", "ItemY")),
    ).atlas

    assert pairs(atlas) == {("A", "A"): "can", ("A", "B"): "may", ("B", "B"): "can", ("C", "C"): "can"}


def test_a_category_that_is_no_literal_may_be_any(chart):
    atlas = chart(
        "NAME = 'cart'\n",
        CARTS,
        SHOPPERS,
        state("Late", "Joined", "category=NAME"),
        command("Fill", one("cart", "Cart")),
        command("Wait", one("late", "Late")),
    ).atlas

    assert pairs(atlas) == {("Fill", "Fill"): "can", ("Fill", "Wait"): "may", ("Wait", "Wait"): "can"}


def test_a_stream_without_a_state_may_be_any_that_holds_its_events(chart):
    atlas = chart(
        CARTS,
        SHOPPERS,
        events("Counted"),
        command("Fill", one("cart", "Cart")),
        command("Join", one("shopper", "Shopper")),
        command("Count", "tally: StreamId = stream(events=Counted)", "carts: Discovered = discovered(read_only=True, events=Added)"),
        command("Recount", "tally: StreamId = stream(events=Counted)"),
        command("Audit", "carts: StreamId = stream(read_only=True, events=Added)"),
    ).atlas

    assert pairs(atlas) == {
        ("Count", "Count"): "can",
        ("Count", "Fill"): "may",
        ("Count", "Recount"): "may",
        ("Audit", "Fill"): "may",
        ("Fill", "Fill"): "can",
        ("Join", "Join"): "can",
        ("Recount", "Recount"): "can",
    }


def test_a_state_that_passes_over_events_may_share_its_streams_with_any_others(chart):
    atlas = chart(
        CARTS,
        events("Counted"),
        state("Loose", "Added", "ignore_unknown=True"),
        command("Peek", one("loose", "Loose", "read_only=True")),
        command("Count", "tally: StreamId = stream(events=Counted)"),
    ).atlas

    assert pairs(atlas) == {("Count", "Count"): "can", ("Count", "Peek"): "may"}


CATEGORIES = ("a", "a-b", "a-b-c", "b", "ab")
FIELDS = st.lists(st.tuples(st.sampled_from(CATEGORIES), st.booleans()), min_size=1, max_size=3)
KEYS = ("1", "b-1", "b-c-1", "c-1")


@given(st.lists(FIELDS, min_size=1, max_size=4))
def test_pairs_that_never_conflict_cannot_have_a_stream_in_common_that_one_of_them_writes(declared):
    event = EventEntry(ClassRef("app", "Added"), "Added", "Added", 1, Place("app.py", 1))
    states = {name: StateEntry(ClassRef("app", name), name, name, False, (event,), Place("app.py", 1)) for name in CATEGORIES}
    commands = tuple(
        CommandEntry(
            ClassRef("app", f"C{number}"),
            f"C{number}",
            tuple(
                Use(f"C{number}", f"f{place}", "one", read_only, states[category], (event,), Place("app.py", place))
                for place, (category, read_only) in enumerate(fields)
            ),
            Place("app.py", number),
        )
        for number, fields in enumerate(declared)
    )

    found = {(each.first, each.second) for each in conflicts(commands, states.values())}

    def ids(use):
        return {f"{use.state.category}-{key}" for key in KEYS}

    expected = {
        (first.label, second.label)
        for first, second in itertools.combinations_with_replacement(commands, 2)
        if any(ids(one) & ids(other) and not (one.read_only and other.read_only) for one in first.uses for other in second.uses)
    }
    assert found == expected


# --- faults


def test_what_is_sound_is_shown_whatever_else_is_not(chart):
    reading = chart(
        CARTS,
        command("Fill", one("cart", "Cart")),
        command("Lost", one("cart", "Nowhere")),
        "@command\nclass Idle:\n    note: str\n" + HANDLE,
        "@event(NAME)\nclass Named:\n    pass\n",
        state("Vague", "Named"),
        broken="from eventcore import (\n",
    )

    assert reading.has_errors
    assert [command.label for command in reading.atlas.commands] == ["Fill"]
    assert [(each.kind, each.name) for each in reading.atlas.left_out] == [
        ("command", "Lost"),
        ("command", "Idle"),
        ("event", "Named"),
        ("state", "Vague"),
        ("file", "broken.py"),
    ]


def test_of_two_commands_of_one_name_the_last_counts_as_in_python(chart):
    reading = chart(CARTS, SHOPPERS, command("Do", one("cart", "Cart")), command("Do", one("shopper", "Shopper")))

    assert [use.name for use in reading.atlas.uses] == ["shopper"]
    assert [each.name for each in reading.atlas.left_out] == ["Do"]


# --- who


SHOP = (
    CARTS,
    "@event('shop.joined')\nclass Joined:\n    pass\n",
    state("Shopper", "Joined"),
    command("Buy", one("cart", "Cart"), one("shopper", "Shopper", "read_only=True")),
    command("Join", one("shopper", "Shopper")),
    command("Tell", "all: Discovered = discovered(events=Joined)"),
)


@pytest.mark.parametrize(
    ("name", "kind", "touches"),
    [
        ("Cart", "state", [("Buy.cart", "can")]),
        ("app.Cart", "state", [("Buy.cart", "can")]),
        ("cart", "category", [("Buy.cart", "can")]),
        ("cart-7", "stream", [("Buy.cart", "can")]),
        ("shopper-a-b", "stream", [("Buy.shopper", "can"), ("Join.shopper", "can"), ("Tell.all", "may")]),
        ("Shopper", "state", [("Buy.shopper", "can"), ("Join.shopper", "can"), ("Tell.all", "may")]),
        ("Added", "event", [("Buy.cart", "can")]),
        ("Joined", "event", [("Buy.shopper", "can"), ("Join.shopper", "can"), ("Tell.all", "can")]),
        ("shop.joined", "event", [("Buy.shopper", "can"), ("Join.shopper", "can"), ("Tell.all", "can")]),
    ],
)
def test_who_finds_by_every_name(name, kind, touches, chart):
    (subject,) = find(name, chart(*SHOP).atlas)

    assert subject.kind == kind
    assert [(touch.use.label, touch.verdict) for touch in subject.touches] == touches


def test_a_stream_id_that_two_categories_can_have_made_is_of_both_perhaps(chart):
    atlas = chart(
        events("Added"),
        state("Item", "Added"),
        state("ItemX", "Added", "category='item-x'"),
        command("A", one("x", "Item")),
        command("B", one("x", "ItemX")),
    ).atlas

    assert [(touch.use.label, touch.verdict) for touch in find("item-x-1", atlas)[0].touches] == [("A.x", "may"), ("B.x", "may")]
    assert [(touch.use.label, touch.verdict) for touch in find("item-1", atlas)[0].touches] == [("A.x", "can")]


@pytest.mark.parametrize(
    ("name", "close"),
    [
        ("Crat", [("Cart", "state"), ("cart", "category")]),
        ("CART", [("Cart", "state"), ("cart", "category")]),
        ("shoper-7", [("Shopper", "state"), ("shopper", "category")]),
        ("shop.joned", [("shop.joined", "event")]),
        ("cart-", [("Cart", "state"), ("cart", "category")]),
        ("zzzzzz", []),
    ],
)
def test_an_unknown_name_brings_those_that_look_like_it(name, close, chart):
    found = find(name, chart(*SHOP).atlas)

    assert isinstance(found, Unknown)
    assert set(close) <= set(found.close) if close else found.close == ()


def test_the_name_of_a_command_is_known_for_one(chart):
    found = find("Buy", chart(*SHOP).atlas)

    assert isinstance(found, Unknown)
    assert found.is_command


def test_the_atlas_is_the_same_however_the_paths_are_given(monkeypatch):
    monkeypatch.chdir(ROOT)
    folder = ROOT / "examples" / "shop"
    files = sorted(folder.glob("*.py"), reverse=True)

    assert read([folder], base=ROOT).atlas == read(files, base=ROOT).atlas
