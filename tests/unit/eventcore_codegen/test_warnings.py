"""What `handle` does with its streams and with the world, read from its source: what is warned of, and what is left alone."""

from __future__ import annotations

import pytest

from eventcore_codegen.pipeline import generate, open_cache

FIELDS = """
@command
class Fill:
    cart: StreamId[Cart] = stream()
    box: StreamId[Cart] | None = stream(default=None)
    many: tuple[StreamId[Cart], ...] = stream(default=())
    seen: StreamId[Cart] = stream(read_only=True, default=None)
    key: str = ""

"""
WRITES_THE_REST = "        yield streams.cart.write(Added('')); yield streams.many[i].write(Added(''))\n"


def handle(body: str, head: str = "def handle(self, streams, state):") -> str:
    return f"    {head}\n" + "".join(f"        {line}\n" for line in body.split("\n"))


def warned(source, text: str) -> list[tuple[str, str]]:
    """Return the codes, and the lines that they are shown in."""
    return [(fault.code, fault.line_text.strip()) for fault in source.faults({"a.py": source.CART + text}) if not fault.is_error]


READING = [
    "streams.box.version",
    "streams.box is None",
    "streams.box is not None and streams.box.version > 1",
    "if streams.box: pass",
    "x = 1 if not streams.box else 2",
    "assert streams.box or streams.cart",
    "state.box.write",
    "self.box.write(1)",
    "def inner(streams_of): return streams_of.box.write(1)",
    "x: streams.box = 1",
]


@pytest.mark.parametrize("text", READING)
def test_a_stream_that_is_only_asked_is_never_written(source, text):
    assert warned(source, FIELDS + handle(text) + WRITES_THE_REST) == [("EC202", "box: StreamId[Cart] | None = stream(default=None)")]


WRITING = [
    "yield streams.box.write(Added(''))",
    "yield (streams.box or streams.cart).write(Added(''))",
    "box = streams.box",
    "yield from map(streams.box.write, ())",
    "def inner(): return streams.box.write(1)\nyield inner()",
    "yield [one.write(1) for one in (streams.box, streams.cart)]",
    "yield StreamWrite(streams, self.box, Added(''))",
    "yield StreamWrite(streams, streams.box.id, Added(''))",
    "yield ec.StreamWrite(streams, self.box, Added(''))",
    "match streams.box:\n    case None: pass",
    "if found := streams.box: yield found.write(1)",
]


@pytest.mark.parametrize("text", WRITING)
def test_a_stream_that_is_or_may_be_written_is_left_alone(source, text):
    imports = "import eventcore as ec\nfrom eventcore import StreamWrite\n"

    assert warned(source, imports + FIELDS + handle(text) + WRITES_THE_REST) == []


HIDDEN = [
    handle("yield from self.writes(streams)"),
    handle("yield getattr(streams, self.key).write(1)"),
    handle("other = streams\nyield other.cart.write(1)"),
    handle("yield StreamWrite(streams, self.key, 1)"),
    handle("yield StreamWrite(streams, [*self.many][0], 1)"),
    handle("yield Unknown(streams, self.cart, 1)"),
    handle("yield eval('streams').cart.write(1)"),
    handle("yield locals()['streams'].cart.write(1)"),
    handle("yield from super().handle(streams, state)"),
    handle("yield streams.__class__"),
    handle("streams = self.key\nyield streams.cart"),
    handle("def inner(streams): return streams.x\nyield inner(1)"),
    handle("yield writes(of=streams)"),
    handle("yield [*streams]"),
    handle("yield streams.cart.version", "def handle(self, *everything):"),
    "    @traced" + "\n" + handle("yield streams.cart.version"),
]


@pytest.mark.parametrize("text", HIDDEN)
def test_nothing_is_said_of_streams_that_leave_the_view(source, text):
    head = "from elsewhere import Unknown, traced, writes\nfrom eventcore import StreamWrite\n"

    assert [code for code, _ in warned(source, head + FIELDS + text) if code == "EC202"] == []


@pytest.mark.parametrize(
    "text", ["return []", "return ()", "raise NotImplementedError", "...", "'''Later.'''\nreturn", "pass", "return None\nyield"]
)
def test_nothing_is_said_of_a_handle_that_is_still_to_be_written(source, text):
    assert warned(source, FIELDS + handle(text)) == []


def test_a_handle_that_decides_to_write_nothing_is_no_stub(source):
    assert [code for code, _ in warned(source, FIELDS + handle("require(state.cart.size, 'empty')\nreturn []"))] == ["EC202"] * 3


def test_an_override_marker_hides_nothing(source):
    text = "import typing\n" + FIELDS + "    @typing.override\n" + handle("yield streams.cart.write(1)\nyield streams.many")

    assert [line.partition(":")[0] for _, line in warned(source, text)] == ["box"]


def test_the_streams_may_have_any_name(source):
    text = FIELDS + handle("yield s.cart.write(1)\nyield s.box", "def handle(self, s, state, /):")

    assert [line.partition(":")[0] for _, line in warned(source, text)] == ["many"]


def test_a_handle_of_a_base_class_is_looked_through_for_each_command(source):
    base = "class Base:\n" + handle("yield streams.cart.write(1)")
    text = base + "@command\nclass Fill(Base):\n    cart: StreamId[Cart] = stream()\n    box: StreamId[Cart] = stream()\n"

    assert warned(source, text) == [("EC202", "box: StreamId[Cart] = stream()")]


CHANGING = [
    ("import datetime", "datetime.datetime.now()"),
    ("import datetime as d", "d.date.today()"),
    ("from datetime import datetime as clock", "clock.utcnow()"),
    ("import time", "time.monotonic_ns()"),
    ("import time", "time.localtime()"),
    ("from time import time", "sorted([], key=time)"),
    ("import random", "random.shuffle([])"),
    ("import random", "random.Random().random()"),
    ("from random import SystemRandom", "SystemRandom()"),
    ("import secrets", "secrets.token_urlsafe(8)"),
    ("import uuid", "uuid.uuid1()"),
    ("import os", "os.urandom(4)"),
    ("import os", "os.environ['HOME']"),
    ("from os import environ as settings", "'HOME' in settings"),
    ("from os import getenv", "getenv('HOME')"),
    ("", "open('prices.txt')"),
    ("import subprocess", "subprocess.run(['date'])"),
    ("import numpy as np", "np.random.default_rng()"),
    ("import requests", "requests.get('https://example.org')"),
    ("try:\n    from datetime import datetime\nexcept ImportError:\n    from datetime import datetime", "datetime.now()"),
]


@pytest.mark.parametrize(("head", "use"), CHANGING)
def test_what_changes_between_two_runs_is_found_by_any_name(source, head, use):
    line = f"yield {use}, streams.box, streams.cart, streams.many"

    assert warned(source, head + FIELDS + handle(line)) == [("EC203", line)]


def test_an_import_within_handle_is_followed(source):
    text = FIELDS + handle("import time as t\nfrom uuid import uuid4\nyield streams.box, streams.cart, streams.many\nt.time()\nuuid4()")

    assert warned(source, text) == [("EC203", "t.time()"), ("EC203", "uuid4()")]


COMPUTING = [
    ("import random", "random.Random(self.key).random()"),
    ("import time", "time.gmtime(0)"),
    ("import datetime", "datetime.datetime.fromtimestamp(0)"),
    ("from uuid import UUID, uuid5", "uuid5(UUID(int=0), self.key)"),
    ("import secrets", "secrets.compare_digest(self.key, '')"),
    ("import os", "os.path.join(self.key)"),
    ("import random", "isinstance(self.key, random.Random)"),
    ("def open(name): return name", "open('prices.txt')"),
    ("class datetime:\n    now = 1", "datetime.now"),
    ("from datetime import datetime\ndatetime = None", "datetime.now()"),
    ("", "self.random.choice(self.key)"),
    ("import time", "(lambda time: time.time())(self)"),
    ("from .helpers import time", "time.time()"),
    ("", "print(self.key)"),
]


@pytest.mark.parametrize(("head", "use"), COMPUTING)
def test_what_computes_from_what_it_is_given_is_left_alone(source, head, use):
    source.write({"helpers.py": "def broken(:"})

    assert warned(source, head + FIELDS + handle(f"yield {use}, streams.box, streams.cart, streams.many")) == []


def test_a_module_of_the_users_with_a_standard_name_is_the_users(source):
    source.write({"random.py": "def choice(values): return values[0]\n", "time.py": "# eventcore\nimport nothing\n"})
    text = "import random, time\n" + FIELDS + handle("yield random.choice([]), time.time(), streams.box, streams.cart, streams.many")

    assert warned(source, text) == []


def test_folds_are_run_again_too(source):
    text = (
        "import time\n@state\nclass Box:\n    def apply(self, event: Added) -> Box: return time.time()\n"
        "@command\nclass Count:\n    cart: StreamId = stream(events=CartEvent)\n    def initial(self) -> float: return time.time_ns()\n"
        "    def apply(self, state: float, event: object) -> float: return state + time.perf_counter()\n"
        "    def handle(self, streams, state): return []\n"
    )

    assert [code for code, _ in warned(source, text)] == ["EC203"] * 3


FOREIGN = [
    ("import asyncio", "await asyncio.sleep(1)"),
    ("import httpx", "async with httpx.AsyncClient() as client: await client.get('/')"),
    ("import aiofiles", "async for line in aiofiles.open('x'): pass"),
    ("", "await self.key.fetch()"),
    ("client = object()", "await client.fetch()"),
    ("from asyncio import gather", "await gather(self.own())"),
    ("import httpx", "(await httpx.AsyncClient().get('/')).json()"),
]


@pytest.mark.parametrize(("head", "use"), FOREIGN)
def test_awaiting_what_is_not_the_projects_own_is_found(source, head, use):
    found = warned(
        source,
        head + FIELDS + handle(f"{use}\nreturn [streams.box, streams.cart, streams.many]", "async def handle(self, streams, state):"),
    )

    assert {code for code, _ in found} == {"EC204"}


OWN = [
    ("", "await self.own()"),
    ("async def own(): pass", "await own()"),
    ("from shop.prices import own", "await own()"),
    ("from shop import prices", "await prices.own()"),
    ("from . import prices", "await prices.own()"),
    ("class Rates:\n    @classmethod\n    async def own(cls): pass", "await Rates.own()"),
    ("", "async def inner(): pass\nawait inner()"),
    ("", "waiting = self.own()\nawait waiting"),
]


@pytest.mark.parametrize(("head", "use"), OWN)
def test_awaiting_the_projects_own_is_left_alone(source, head, use):
    source.write({"shop/__init__.py": "", "shop/prices.py": "async def own(): pass\n"})

    text = head + FIELDS + handle(f"{use}\nreturn [streams.box, streams.cart, streams.many]", "async def handle(self, streams, state):")
    assert warned(source, text) == []


DISCOVERING = "@command\nclass Find:\n    cart: StreamId[Cart] = stream()\n    found: Discovered[Cart] = discovered()\n"


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        ("self, streams, state", ["EC207"]),
        ("self, streams, state, resolver", []),
        ("self, streams, state, resolver=None", []),
        ("self, streams, state, *rest", []),
    ],
)
def test_a_discovered_field_needs_a_resolver(source, signature, expected):
    found = warned(source, DISCOVERING + handle("yield streams.cart.write(1)\nyield streams.found", f"def handle({signature}):"))

    assert [code for code, _ in found] == expected


STATE = "@state{marker}\nclass {name}:\n    def apply(self, event: Added) -> object: return self\n"
COMMAND = "@command\nclass Use{name}:\n    one: StreamId[{name}] = stream({options})\n    def handle(self, streams, state): return []\n"


def used(name: str, marker: str = "", options: str = "") -> str:
    return STATE.format(name=name, marker=marker) + COMMAND.format(name=name, options=options)


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        (used("Tree"), used("Oak", "(category='tree')"), True),
        (used("Tree"), used("TREE"), True),
        (used("Tree", "(category='a-b')"), used("Oak", "(category='a')"), True),
        (used("Tree", "(category='a-b')"), used("Oak", "(category='a-c')"), False),
        (used("Tree"), used("TreeHouse"), False),
        (used("Tree"), used("Oak", "(category='tree')", "read_only=True"), False),
        (used("Tree"), STATE.format(name="Oak", marker="(category='tree')"), False),
        ("NAME = 'tree'\n" + used("Tree"), used("Oak", "(category=NAME)"), False),
    ],
)
def test_states_whose_streams_meet_are_found_where_both_are_written(source, one, other, meet):
    assert [code for code, _ in warned(source, one + other)] == (["EC205"] if meet else [])


def test_states_of_one_name_in_two_modules_meet_and_those_of_two_programs_do_not(source):
    files = {
        "shop/__init__.py": "",
        "shop/a.py": source.CART + used("Tree"),
        "shop/b.py": source.HEAD + "from shop.a import Added\n" + used("Tree"),
    }
    elsewhere = {"other/b.py": source.CART + used("Tree")}

    found = source.faults(files | elsewhere)

    assert [(fault.code, fault.path) for fault in found] == [("EC205", "shop/b.py")]
    assert "shop/a.py:" in found[0].help


@pytest.mark.parametrize(
    "text",
    [
        'StreamId(f"tree-{key}")',
        'StreamId("tree-1")',
        'StreamId[Tree]("tree-" + key)',
        'StreamId("tree-%s" % key)',
        'ec.StreamId("tree-{}".format(key))',
    ],
)
def test_an_id_by_hand_is_found_where_others_are_made(source, text):
    made = "import eventcore as ec\nimport eventcore.ids\nkey = ''\nfirst = StreamId.of(Tree, key)\n"

    assert warned(source, used("Tree") + made + f"second = {text}\n") == [("EC206", f"second = {text}")]
    assert warned(source, used("Tree") + made.replace("StreamId.of(", "print(") + f"second = {text}\n") == []


@pytest.mark.parametrize(
    "text", ['StreamId("treehouse-1")', 'StreamId[Cart]("tree-1")', 'print("tree-1")', "StreamId(key)", 'StreamId(f"{key}-1")']
)
def test_other_ids_by_hand_are_left_alone(source, text):
    assert warned(source, used("Tree") + f"key = ''\nfirst = StreamId.of(Tree, key)\nsecond = {text}\n") == []


def test_comments_suppress_warnings_in_their_line_only(source):
    ignored = FIELDS.replace("stream(default=None)", "stream(default=None)  # why not  # eventcore:ignore [ EC202 ,EC203]")

    assert warned(source, ignored + handle("yield streams.cart.write(1)")) == [
        ("EC208", "box: StreamId[Cart] | None = stream(default=None)  # why not  # eventcore:ignore [ EC202 ,EC203]"),
        ("EC202", "many: tuple[StreamId[Cart], ...] = stream(default=())"),
    ]


def test_no_comment_suppresses_an_error(source):
    text = source.CART + "@state\nclass Box:  # eventcore: ignore[EC105]\n    pass\n"

    assert source.codes({"a.py": text}) == [("EC105", text.count("\n") - 1)]


@pytest.mark.parametrize("code", ["EC201", "EC205", "EC206"])
def test_what_other_files_decide_is_never_called_useless(source, code):
    assert warned(source, f"x = 1  # eventcore: ignore[{code}]\n") == []


def test_a_comment_in_a_text_is_no_comment(source):
    assert warned(source, 'x = """\n# eventcore: ignore[EC202]\n"""\n') == []


REPLACED = "try:\n    from eventcore import {name}\nexcept ImportError:\n    {name} = None\n"


@pytest.mark.parametrize("name", ["command", "stream"])
def test_a_marker_with_a_replacement_is_no_silent_loss(source, name):
    whole = source.CART.replace(f" {name},", "").replace(f", {name}\n", "\n") + REPLACED.format(name=name) + source.FILL
    line = next(
        number
        for number, text in enumerate(whole.split("\n"), 1)
        if text.startswith("@command" if name == "command" else "    cart: StreamId")
    )

    assert ("EC104", line) in source.codes({"a.py": whole})


def test_a_replaced_marker_is_seen_through_other_modules(source):
    compat = REPLACED.format(name="command")
    whole = source.CART.replace(" command,", "") + "from compat import command\n" + source.FILL

    assert [code for code, _ in source.codes({"compat.py": compat, "a.py": whole})] == ["EC104"]


def test_a_marker_that_is_imported_from_two_places_is_one_marker(source):
    head = "try:\n    from eventcore import command\nexcept ImportError:\n    from eventcore.declare import command\n"
    source.write({"a.py": source.CART.replace(" command,", "") + head + source.FILL})

    assert len(source.generate().rendered) == 1
    assert "class FillStreams" in source.text("a_streams.py")


def test_a_decorator_that_is_ambiguous_and_nobodys_is_left_alone(source):
    head = "if bool():\n    from functools import cache as kept\nelse:\n    kept = None\n"

    assert source.codes({"a.py": source.CART + head + "@kept\nclass Own: pass\n"}) == []


def test_a_category_is_read_as_the_runtime_makes_it(source):
    from eventcore.declare import _snake_case

    names = ["Cart", "CartItem", "HTTPRequest", "A", "AB", "Ab1C2", "X9Y", "Größe", "under_score", "ÄpfelBaum", "JSONWebKey2Go"]
    text = source.HEAD + "@event\nclass Added: pass\n" + "".join(STATE.format(name=name, marker="") for name in names)
    found = source.modules({"a.py": text})["a"].states

    assert {state.ref.name: state.category for state in found} == {name: _snake_case(name) for name in names}


def test_a_warning_that_a_project_makes_an_error_is_suppressed_all_the_same(source, monkeypatch, capsys):
    from eventcore.cli import main

    source.write({"pyproject.toml": '[tool.eventcore.severity]\nEC202 = "error"\n'})
    kept = FIELDS.replace("stream(default=None)", "stream(default=None)  # eventcore: ignore[EC202]")
    monkeypatch.chdir(source.root)

    source.write({"a.py": source.CART + FIELDS + handle("yield streams.cart.write(1), streams.many")})
    assert main(["generate", "."]) == 2
    assert "EC202 error" in capsys.readouterr().err
    source.write({"a.py": source.CART + kept + handle("yield streams.cart.write(1), streams.many")})
    assert main(["generate", "."]) == 0
    assert capsys.readouterr().err == ""


# --- EC209


@pytest.mark.parametrize(
    ("path", "imported", "missing"),
    [
        ("hotel/rooms.py", "hotel.rooms_streams", "hotel"),
        ("big/hotel/rooms.py", "big.hotel.rooms_streams", "big.hotel"),
        ("hotel/rooms.py", "rooms_streams", ""),
        ("hotel/rooms.py", "motel.rooms_streams", ""),
        ("rooms.py", "hotel.rooms_streams", ""),
        ("hotel/rooms.py", ".rooms_streams", "hotel"),
    ],
)
def test_a_package_without_its_file_is_told_until_it_is_there(source, path, imported, missing):
    text = source.CART + source.FILL.replace("streams, state", "streams: FillStreams, state: FillState")
    source.write({path: text.replace("\n\n", f"\nfrom {imported} import FillState, FillStreams\n", 1)})
    cache = open_cache(source.root)

    def codes() -> list[str]:
        found = generate([source.root], base=source.root, write=True, cache=cache).diagnostics
        return [fault.code for fault in found if fault.code != "EC202"]

    assert [codes() for _ in range(2)] == [["EC209"] if missing else []] * 2
    if missing:
        source.write({f"{'/'.join(missing.split('.')[:length])}/__init__.py": "" for length in range(1, missing.count(".") + 2)})
        assert codes() == []
