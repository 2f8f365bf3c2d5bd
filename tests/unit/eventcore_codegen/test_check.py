"""One small source for each rule, and the near misses that no rule may find fault with."""

from __future__ import annotations

import sys
from contextlib import nullcontext

import pytest

from eventcore import DefinitionError

HANDLE = "    def handle(self, streams, state): return []\n"


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.split("\n"), 1) if part in line)


FAULTS = [
    ("EC101", "@command\nclass Fill:\n    name: str\n" + HANDLE, "class Fill"),
    ("EC102", "@command\nclass Fill:\n    cart: Cart = stream()\n" + HANDLE, "cart: Cart"),
    ("EC102", "@command\nclass Fill:\n    cart: StreamId = stream()\n" + HANDLE, "cart: StreamId"),
    ("EC102", "@command\nclass Fill:\n    cart = stream()\n" + HANDLE, "cart = stream"),
    ("EC102", "@command\nclass Fill:\n    cart: StreamId[Cart] = discovered()\n" + HANDLE, "cart: StreamId"),
    ("EC102", "@command\nclass Fill:\n    cart: Discovered[Cart] = stream()\n" + HANDLE, "cart: Discovered"),
    ("EC102", "@command\nclass Fill:\n    cart: tuple[StreamId[Cart]] = stream()\n" + HANDLE, "cart: tuple"),
    (
        "EC102",
        "from typing import Final\n@command\nclass Fill:\n    cart: Final[StreamId[Cart]] = stream()\n" + HANDLE,
        "cart: Final",
    ),
    ("EC103", "@command\nclass Fill:\n    cart: StreamId[Crat] = stream()\n" + HANDLE, "Crat"),
    ("EC103", "@state\nclass Box:\n    def apply(self, event: Added | Nothing) -> Box: return self\n", "Nothing"),
    ("EC103", "import elsewhere\n@command\nclass Fill:\n    cart: StreamId[elsewhere.Cart] = stream()\n" + HANDLE, "StreamId[elsewhere"),
    (
        "EC104",
        "if bool():\n    Box = Cart\nelse:\n    Box = Added\n@command\nclass Fill:\n    cart: StreamId[Box] = stream()\n" + HANDLE,
        "StreamId[Box]",
    ),
    ("EC105", "@state\nclass Box:\n    size: int = 0\n", "class Box"),
    ("EC105", "@state\nclass Box:\n    async def apply(self, event: Added) -> Box: return self\n", "async def apply"),
    ("EC106", "@state\nclass Box:\n    def apply(self, event) -> Box: return self\n", "def apply(self, event)"),
    ("EC106", "from typing import Any\n@state\nclass Box:\n    def apply(self, event: Any) -> Box: return self\n", "event: Any"),
    ("EC106", "@state\nclass Box:\n    def apply(self, event: object) -> Box: return self\n", "event: object"),
    (
        "EC107",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from datetime import date\n@event\nclass Sent:\n    on: date | None\n",
        "on: date",
    ),
    (
        "EC107",
        "import typing\nif typing.TYPE_CHECKING:\n    import datetime\n@state\nclass Box:\n    on: tuple[datetime.date, ...] = ()\n    def apply(self, event: Added) -> Box: return self\n",
        "on: tuple",
    ),
    ("EC108", "@command\nclass Fill:\n    cart: StreamId[Cart] = stream()\n", "class Fill"),
    ("EC109", "@command\nclass Fill:\n    cart: StreamId[Cart] = stream()\n    def handle(self): return []\n", "def handle(self)"),
    (
        "EC109",
        "@command\nclass Fill:\n    cart: StreamId[Cart] = stream()\n    def handle(self, streams, *, state): return []\n",
        "def handle(self, streams, *",
    ),
    (
        "EC109",
        "@command\nclass Fill:\n    cart: StreamId[Cart] = stream()\n    def handle(self, state, streams): return []\n",
        "def handle(self, state",
    ),
    (
        "EC109",
        "@command\nclass Fill:\n    cart: StreamId[Cart] = stream()\n    @staticmethod\n    def handle(self, streams, state): return []\n",
        "def handle(self, streams, state): return []",
    ),
    (
        "EC110",
        "from a_streams import FillState\n@command\nclass Fill:\n    cart: StreamId[Cart] = stream()\n    def handle(self, streams: FillState, state): return []\n",
        "streams: FillState",
    ),
    (
        "EC110",
        "import a_streams\n@command\nclass Fill:\n    cart: StreamId[Cart] = stream()\n    def handle(self, streams, state) -> 'a_streams.OtherWrites': return []\n",
        "OtherWrites",
    ),
    (
        "EC111",
        "@command\nclass Fill:\n    cart: StreamId[Cart] = stream()\n    async def handle(self, streams, state): yield\n",
        "async def handle",
    ),
    ("EC112", "@event('Added')\nclass Put:\n    pass\n", "class Put"),
    ("EC113", "@state\nclass Cart(object):\n    def apply(self, event: Added): return self\n", "class Cart(object)"),
    ("EC114", "@command\nclass Fill:\n    add_streams: StreamId[Cart] = stream()\n" + HANDLE, "add_streams:"),
    ("EC114", "@command\nclass Fill:\n    _cart: StreamId[Cart] = stream()\n" + HANDLE, "_cart:"),
    ("EC114", "@command\nclass Fill:\n    cart: StreamId[Cart] = stream()\n    self: int\n" + HANDLE, "self: int"),
    ("EC115", "@event\nclass Sent:\n    to: tuple[list[int], ...]\n", "to: tuple"),
    ("EC115", "import typing as t\nNames = t.Dict[str, int]\n@event\nclass Sent:\n    to: Names | None\n", "t.Dict"),
    (
        "EC116",
        "@command\nclass Fill:\n    cart: StreamId[Cart] = stream()\n    def initial(self) -> int: return 0\n" + HANDLE,
        "def initial",
    ),
    (
        "EC116",
        "@command\nclass Fill:\n    cart: StreamId = stream(events=Added)\n    def initial(self) -> int: return 0\n" + HANDLE,
        "class Fill",
    ),
    (
        "EC116",
        "@command\nclass Fill:\n    cart: StreamId = stream(events=Added)\n    def initial(self, *, x: int) -> int: return 0\n    def apply(self, state, event): return 0\n"
        + HANDLE,
        "def initial",
    ),
    (
        "EC116",
        "@command\nclass Fill:\n    cart: StreamId = stream(events=Added)\n    def initial(self) -> int: return 0\n    @staticmethod\n    def apply(event): return 0\n"
        + HANDLE,
        "def apply(event)",
    ),
    (
        "EC116",
        "@command\nclass Fill:\n    cart: StreamId = stream(events=Added)\n    @property\n    def initial(self) -> int: return 0\n    def apply(self, state, event): return 0\n"
        + HANDLE,
        "def initial",
    ),
    ("EC118", "def make():\n    @event\n    class Inner:\n        pass\n", "class Inner"),
    (
        "EC118",
        "class Maker:\n    def make(self):\n        if self:\n            @state\n            class Inner:\n                pass\n",
        "class Inner",
    ),
    (
        "EC121",
        "@command\nclass Base:\n    cart: StreamId[Cart] = stream()\n" + HANDLE + "@command\nclass Fill(Base):\n    pass\n",
        "class Fill",
    ),
    ("EC122", "@command\nclass Fill:\n    cart: StreamId[Added] = stream()\n" + HANDLE, "StreamId[Added]"),
    ("EC122", "@command\nclass Fill:\n    cart: StreamId[int] = stream()\n" + HANDLE, "StreamId[int]"),
    ("EC122", "@command\nclass Fill:\n    cart: StreamId[Cart | Added] = stream()\n" + HANDLE, "StreamId[Cart |"),
    ("EC123", "@state\nclass Box:\n    def apply(self, event: Added | int) -> Box: return self\n", "Added | int"),
    ("EC123", "@state\nclass Box:\n    def apply(self, event: Added | None) -> Box: return self\n", "Added | None"),
    (
        "EC123",
        "@command\nclass Fill:\n    cart: StreamId = stream(events=Cart)\n    def initial(self) -> int: return 0\n    def apply(self, state, event): return 0\n"
        + HANDLE,
        "events=Cart",
    ),
    ("EC124", "NAME = 'sent'\n@event(NAME)\nclass Sent:\n    pass\n", "@event(NAME)"),
    ("EC124", "@event(version=1 + 1)\nclass Sent:\n    pass\n", "@event(version"),
    ("EC124", "@event(' sent')\nclass Sent:\n    pass\n", "@event(' sent"),
    (
        "EC125",
        "@command\nclass Fill:\n    cart: StreamId = stream(events=Added)\n    def initial(self): return 0\n    def apply(self, state, event): return 0\n"
        + HANDLE,
        "def initial",
    ),
    (
        "EC125",
        "from typing import Self\n@command\nclass Fill:\n    cart: StreamId = stream(events=Added)\n    def initial(self) -> Self | None: return None\n    def apply(self, state, event): return 0\n"
        + HANDLE,
        "def initial",
    ),
    ("EC128", "YES = True\n@command\nclass Fill:\n    cart: StreamId[Cart] = stream(read_only=YES)\n" + HANDLE, "read_only=YES"),
    (
        "EC128",
        "OPTIONS = {}\n@command\nclass Fill:\n    cart: StreamId[Cart] = stream(**OPTIONS)\n" + HANDLE,
        "cart: StreamId[Cart] = stream(**",
    ),
    ("EC129", "from typing import Generic, TypeVar\nT = TypeVar('T')\n@event\nclass Sent(Generic[T]):\n    pass\n", "class Sent"),
    (
        "EC129",
        "import typing as t\nK = t.TypeVar('K')\nV = t.TypeVar('V')\n@event\nclass Sent(t.Protocol, Pair[int, tuple[V, ...]]):\n    pass\nclass Pair(t.Generic[K, V]):\n    pass\n",
        "class Sent",
    ),
    (
        "EC131",
        "from functools import singledispatchmethod as by\n@state\nclass Box:\n    @by\n    def apply(self, event: Added | Emptied) -> Box: return self\n",
        "def apply(self, event: Added | Emptied)",
    ),
    ("EC131", "@state\nclass Box:\n    def apply(self) -> Box: return self\n", "def apply(self)"),
    ("EC131", "@state\nclass Box:\n    def apply(event: Added) -> Box: return Box()\n", "def apply(event: Added)"),
    ("EC131", "@state\nclass Box:\n    def apply(self, *events: Added) -> Box: return self\n", "def apply(self, *events: Added)"),
    ("EC131", "@state\nclass Box:\n    def apply(self, *, event: Added) -> Box: return self\n", "def apply(self, *, event: Added)"),
    (
        "EC131",
        "@state\nclass Box:\n    def apply(self, event: Added, at: int) -> Box: return self\n",
        "def apply(self, event: Added, at: int)",
    ),
    (
        "EC131",
        "@state\nclass Box:\n    def apply(self, event: Added, *, at: int) -> Box: return self\n",
        "def apply(self, event: Added, *, at: int)",
    ),
    (
        "EC131",
        "@state\nclass Box:\n    @classmethod\n    def apply(cls, event: Added) -> Box: return cls()\n",
        "def apply(cls, event: Added)",
    ),
    (
        "EC131",
        "@state\nclass Box:\n    @staticmethod\n    def apply(state: Box, event: Added) -> Box: return state\n",
        "def apply(state: Box, event: Added)",
    ),
]


@pytest.mark.parametrize(("code", "text", "part"), FAULTS, ids=[f"{code}-{number}" for number, (code, _, _) in enumerate(FAULTS)])
def test_a_fault_is_found_alone_and_in_its_line(source, code, text, part):
    whole = source.CART + text

    found = source.codes({"a.py": whole})

    assert found == [(code, line_of(whole, part))]


BOX = "@state\nclass Box:\n    def apply(self, event: {events}) -> Box: return self\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("T = TypeVar('T')\nOr = Union[Added, T]\n" + BOX.format(events="Or"), "the type variable T is no @event class"),
        ("T = TypeVar('T')\nOr = Union[Added, T]\n" + BOX.format(events="Or[Added, Emptied]"), "the type variable T is no @event class"),
        ("T = TypeVar('T')\nOr = Union[Added, T]\n" + BOX.format(events="Or[int]"), "int is no @event class"),
        ("Id = NewType('Id', int)\n" + BOX.format(events="Id"), "int is no @event class"),
        ("Pair = NamedTuple('Pair', [])\n" + BOX.format(events="Pair"), "Pair is no @event class"),
        ("Pair = NamedTuple('Other', [])\n" + BOX.format(events="Pair"), "`apply` of the state Box does not name the events that it takes"),
        ("T = TypeVar('T', default=int)\nOr = Union[Added, T]\n" + BOX.format(events="Or"), "int is no @event class"),
        ("A = TypeVar('A')\nT = TypeVar('T', default=int)\nOr = Union[A, T]\n" + BOX.format(events="Or[Added]"), "int is no @event class"),
        (
            "T = TypeVar('T', default='Or')\nOr = Union[Added, T]\n" + BOX.format(events="Or"),
            "the event 'Or' is unknown: it is an alias of itself",
        ),
        ("T = TypeVar('T', default='T')\nOr = Union[Added, T]\n" + BOX.format(events="Or"), "the type variable T is no @event class"),
        (
            "A = TypeVar('A')\nB = TypeVar('B')\nOr = TypeAliasType('Or', Union[A, Added], type_params=(B, A))\n"
            + BOX.format(events="Or[Added, int]"),
            "int is no @event class",
        ),
        ("Loop: TypeAlias = 'Loop'\n" + BOX.format(events="Loop"), "the event 'Loop' is unknown: it is an alias of itself"),
        ("Or: TypeAlias = 'Added | Or'\n" + BOX.format(events="Or"), "the event 'Or' is unknown: it is an alias of itself"),
        (
            "T = TypeVar('T')\nId = StreamId[T]\n@command\nclass Fill:\n    cart: Id = stream()\n" + HANDLE,
            "the type variable T is no @state class, so no stream folds into it",
        ),
    ],
)
def test_what_is_wrong_with_an_alias_is_told(source, text, told):
    found = source.faults({"a.py": source.CART + "from typing import TypeAlias, TypeVar, Union\n" + text})

    assert [fault.message for fault in found if fault.is_error] == [told]


@pytest.mark.skipif(sys.version_info < (3, 13), reason="Python itself cannot read it")
def test_a_type_parameter_is_its_default_where_nothing_is_given(source):
    whole = source.CART + "type Or[E = Emptied, F = E] = Added | E | F\n" + BOX.format(events="Or")

    assert source.codes({"a.py": whole}) == []


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python itself cannot read it")
def test_an_event_with_type_parameters_is_generic(source):
    whole = source.CART + "@event\nclass Sent[T]:\n    to: T\n"

    assert source.codes({"a.py": whole}) == [("EC129", line_of(whole, "class Sent"))]


FAULTLESS = [
    "@command\nclass Fill:\n    cart: StreamId = stream(events=Added)\n    @staticmethod\n    def initial() -> int: return 0\n    @classmethod\n    def apply(cls, state, event, at=0): return 0\n"
    + HANDLE,
    "@state\nclass Box:\n    def apply(self, event: Added, /, twice: int = 0, *rest: int, at: int = 0, **more: int) -> Box: return self\n",
    "from typing import Generic, TypeVar\nT = TypeVar('T')\nclass Base(Generic[T]):\n    pass\n@event\nclass Sent(Base[int]):\n    pass\n@event\nclass Lost(Base):\n    pass\n",
    "@command\nclass Fill:\n    cart: StreamId[Cart] = stream()\n    def handle(self, streams, state, resolver=None): return []\n",
    "@command\nclass Fill:\n    cart: StreamId[Cart] = stream()\n    async def handle(self, streams, state):\n        def inner(): yield streams.cart.write(Added(''))\n        return list(inner())\n",
    "from a_streams import FillStreams, FillState, FillWrites\n@command\nclass Fill:\n    cart: StreamId[Cart] = stream()\n    def handle(self, streams: FillStreams, state: 'FillState') -> FillWrites: return []\n",
    "from elsewhere import Base\n@command\nclass Fill(Base):\n    cart: StreamId[Cart] = stream()\n",
    "from typing import Generic, TypeVar\nT = TypeVar('T')\n@command\nclass Fill(Generic[T]):\n    cart: StreamId[Cart] = stream()\n    value: T\n"
    + HANDLE,
    "from typing import ClassVar\n@event\nclass Sent:\n    cache: ClassVar[dict[str, int]] = {}\n    to: tuple[int, ...]\n",
    "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from datetime import date\n@command\nclass Fill:\n    cart: StreamId[Cart] = stream()\n    on: date\n"
    + HANDLE,
    "Json = dict[str, 'Json'] | None\ndef use(value: Json) -> None: ...\n",
    "class Events:\n    @event\n    class Sent:\n        pass\n@state\nclass Box:\n    def apply(self, event: Events.Sent) -> Box: return self\n",
    "@command\nclass Fill:\n    cart: StreamId[Cart] = stream()\n    note: StreamId[Cart]\n    apply: int = 0\n" + HANDLE,
]


@pytest.mark.parametrize("text", FAULTLESS)
def test_nothing_is_found_where_nothing_is_wrong(source, text):
    assert source.faults({"a.py": source.CART + text}) == []


def test_all_faults_of_all_files_are_reported_at_once_in_order(source):
    files = {
        "b.py": source.CART + "@state\nclass Box: pass\n@command\nclass Fill: pass\n",
        "a.py": "import eventcore\ndef f(:\n",
        "c/__init__.py": "",
        "c/d.py": source.HEAD + "@event\nclass Added:\n    to: list[int]\n",
    }

    found = [(fault.path, fault.code) for fault in source.faults(files)]

    assert found == [("a.py", "EC117"), ("b.py", "EC105"), ("b.py", "EC101"), ("b.py", "EC108"), ("c/d.py", "EC112"), ("c/d.py", "EC115")]


def test_programs_below_different_roots_may_name_their_events_alike(source):
    assert source.faults({"one/cart.py": source.CART, "two/cart.py": source.CART}) == []


def test_a_module_with_errors_is_not_written_and_others_are(source):
    source.write({"good.py": source.CART, "bad.py": source.HEAD + "@state\nclass Box: pass\n"})

    outcome = source.generate()

    assert (outcome.errors, outcome.written, outcome.skipped) == (1, 1, 1)
    assert sorted(path.name for path in source.root.glob("*_streams.py")) == ["good_streams.py"]


def test_what_a_broken_module_would_give_is_not_reported_where_it_is_used(source):
    files = {"cart.py": "import eventcore\nclass Cart(\n", "fill.py": source.HEAD + "from cart import Cart\n" + source.FILL}

    assert source.codes(files) == [("EC117", 2)]
    assert source.generate().rendered == ()


def test_a_faulty_state_beyond_the_given_paths_is_reported_where_it_is(source):
    cart = source.HEAD + "@state\nclass Cart:\n    size: list[int] = []\n    def apply(self, event): return self\n"

    faults = source.faults({"cart.py": cart, "fill.py": source.HEAD + "from cart import Cart\n" + source.FILL}, "fill.py")

    assert [(fault.path, fault.code) for fault in faults] == [("cart.py", "EC106")]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"# eventcore \xff\n", "EC120"),
        (b"# coding: no-such-encoding\nimport eventcore\n", "EC120"),
        (b"import eventcore\nx = '\0'\n", "EC117"),
        (b"import eventcore\nx = " + b"(" * 5000 + b"1" + b")" * 5000 + b"\n", "EC117"),
        (b"import eventcore\nx = " + b"-" * 100_000 + b"1\n", "EC117"),
    ],
)
def test_files_that_cannot_be_read_are_faults_and_no_crash(source, data, code):
    assert [found for found, _ in source.codes({"a.py": data})] == [code]


@pytest.mark.parametrize("prefix", ["x = " + "+".join(["1"] * 800), "if x:\n  pass\n" + "elif x:\n  pass\n" * 300])
def test_deep_source_that_python_accepts_is_read(source, prefix):
    assert source.faults({"a.py": source.CART + prefix + "\n"}) == []


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: ("# -*- coding: latin-1 -*-\n# \xe9\n" + text).encode("latin-1"),
        lambda text: text.replace("    ", "\t").encode(),
        lambda text: text.replace("\n", "\r").encode(),
    ],
)
def test_source_is_read_in_every_encoding_of_python(source, encode):
    source.write({"plain.py": source.CART.replace("cart.emptied", "plain.emptied")})
    expected = source.generate("plain.py").rendered[0].text

    source.write({"odd.py": encode(source.CART.replace("cart.emptied", "plain.emptied"))})

    assert source.generate("odd.py").rendered[0].text == expected.replace("plain.py", "odd.py").replace('"plain"', '"odd"').replace(
        "in plain.", "in odd."
    )


def test_a_path_that_does_not_exist_is_a_fault(source):
    assert [(fault.path, fault.code) for fault in source.generate("nowhere").diagnostics] == [("nowhere", "EC120")]


def test_a_file_that_is_no_python_file_is_a_fault_when_it_is_given(source):
    source.write({"notes.txt": "eventcore"})

    assert [fault.code for fault in source.generate("notes.txt").diagnostics] == ["EC120"]


def test_a_file_given_by_name_is_read_whatever_it_holds(source):
    source.write({"a.py": "def f(:\n"})

    assert [fault.code for fault in source.generate("a.py").diagnostics] == ["EC117"]
    assert source.generate(".").diagnostics == ()


def test_a_file_name_that_cannot_be_imported_is_a_fault(source):
    assert [code for code, _ in source.codes({"my-cart.py": source.CART})] == ["EC126"]


# --- defaults of states

ATTRS = "import attrs\nimport dataclasses\nimport typing\nfrom dataclasses import dataclass\nfrom typing import ClassVar, TYPE_CHECKING, final\n"
STATE = """
from eventcore import event, state

@event
class Done:
    pass

"""
APPLY = "\n    def apply(self, event: Done) -> 'S':\n        return self\n"


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("@state\nclass S:\n    must: int", "must"),
        ("@final\n@state\nclass S:\n    must: int", "must"),
        ("@state\n@final\nclass S:\n    must: int", "must"),
        ("@state(category='x')\nclass S:\n    must: 'int'", "must"),
        ("@state\nclass S:\n    must: int = attrs.field()", "must"),
        ("@state\nclass S:\n    must: int = attrs.field(init=True, repr=False)", "must"),
        ("@attrs.frozen\nclass B:\n    must: int\n@state\nclass S(B):\n    pass", "must"),
        ("@dataclass(frozen=True)\nclass B:\n    must: int\n@state\nclass S(B):\n    pass", "must"),
        ("@attrs.define(slots=False)\nclass B:\n    must: int\nclass C(B):\n    pass\n@state\nclass S(C):\n    other: int = 0", "must"),
        ("class B:\n    must: int\n@state\nclass S(B):\n    must: int", "must"),
        ("@state\nclass S:\n    must: int = 0", ""),
        ("@state\nclass S:\n    must: int\n    must = 0", ""),
        ("@state\nclass S:\n    must: int\n    must, other = 0, 1", ""),
        ("@state\nclass S:\n    must: int\n    for must in (1, 2): pass", ""),
        ("@state\nclass S:\n    must: int\n    import json as must", ""),
        ("@state\nclass S:\n    must: int\n    must: int = 0", ""),
        ("@state\nclass S:\n    must: int\n    other: int = (must := 3)", ""),
        ("@state\nclass S:\n    must: object\n    def must(self): pass", ""),
        ("@state\nclass S:\n    if TYPE_CHECKING:\n        must: int", ""),
        ("@state\nclass S:\n    must: int = attrs.field(init=False)", ""),
        ("@state\nclass S:\n    must: int = attrs.field(default=3)", ""),
        ("@state\nclass S:\n    must: int = attrs.field(factory=int)", ""),
        ("OPTIONS = {'default': 3}\n@state\nclass S:\n    must: int = attrs.field(**OPTIONS)", ""),
        ("@state\nclass S:\n    must: int = attrs.field()\n    @must.default\n    def _must(self): return 3", ""),
        ("@state\nclass S:\n    must: ClassVar[int]", ""),
        ("@state\nclass S:\n    must: 'typing.ClassVar[int]'", ""),
        ("class B:\n    must: int\n@state\nclass S(B):\n    pass", ""),
        ("@attrs.frozen\nclass B:\n    must: int\n@state\nclass S(B):\n    must: int = 0", ""),
        ("@attrs.frozen\nclass B:\n    must: int\n@attrs.frozen\nclass C(B):\n    must: int = 0\n@state\nclass S(C):\n    pass", ""),
        ("@dataclass(frozen=True)\nclass B:\n    must: int = 0\n@state\nclass S(B):\n    must: int", ""),
        ("@dataclass(frozen=True)\nclass B:\n    must: dataclasses.InitVar[int]\n@state\nclass S(B):\n    pass", ""),
        ("@dataclass(frozen=True)\nclass B:\n    must: int = dataclasses.field(default=3)\n@state\nclass S(B):\n    pass", ""),
        ("class A:\n    must = 3\n@dataclass(frozen=True)\nclass B(A):\n    must: int\n@state\nclass S(B):\n    pass", ""),
        ("@attrs.frozen(auto_attribs=False)\nclass B:\n    must: int\n@state\nclass S(B):\n    pass", ""),
        ("@attrs.frozen\nclass B:\n    must: int\n    x = attrs.field(default=0)\n@state\nclass S(B):\n    pass", ""),
        ("def give(cls):\n    cls.must = 3\n    return cls\n@state\n@give\nclass S:\n    must: int", ""),
    ],
)
def test_a_field_of_a_state_without_a_default_is_told_where_the_module_would_not_import(source, text, missing):
    text = ATTRS + STATE + text + APPLY

    faults = source.faults({"a.py": text})

    assert [fault.code for fault in faults] == (["EC133"] if missing else [])
    with pytest.raises(DefinitionError, match=rf"S\.{missing}: it has no default") if missing else nullcontext():
        exec(compile(text, "a.py", "exec", dont_inherit=True), {"__name__": "a"})  # noqa: S102  # the texts are above


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ("def apply(self, event: Added) -> S: ...", "def apply(self, event: Added | Emptied) -> S: ...", True),
        ("def apply(self, event: Added, more: int = 0) -> S: ...", "def apply(self, event: Added) -> S: ...", True),
        ("def apply(self, event: Added) -> S: return S(1)", "def apply(self, event: Added) -> S: return S(2)", False),
        ("def other(self, event: Added) -> S: ...", "def apply(self, event: Added) -> S: ...", False),
        ("@overload\n        def apply(self, event: Emptied) -> S: ...", "def apply(self, event: Added) -> S: ...", False),
    ],
)
def test_a_method_that_is_defined_by_a_condition_is_no_guess(source, first, second, told):
    """With `ignore_unknown`, the events of the definition that is not read would be left out in silence."""
    state = f"@state(ignore_unknown=True)\nclass S:\n    size: int = 0\n    if NEW:\n        {first}\n    else:\n        {second}\n"

    faults = source.faults({"a.py": source.CART + "from typing import overload\n" + state})

    assert [fault.code for fault in faults if fault.is_error] == (["EC104"] if told else [])


def test_the_last_definition_of_a_method_counts_where_no_condition_stands_around_it(source):
    text = "    def apply(self, event: Added) -> S: ...\n    def apply(self, event: Emptied) -> S: ...\n"

    assert source.codes({"a.py": f"{source.CART}@state\nclass S:\n{text}"}) == []
