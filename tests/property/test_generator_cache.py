"""A run with a cache is a run without one, whatever happened to the source, to the generated files or to the cache before it."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from eventcore_codegen.cache.folder import CacheFolder, open_cache
from eventcore_codegen.config import Config
from eventcore_codegen.pipeline import Outcome, generate
from eventcore_codegen.scan import scan_file

HEAD = "from __future__ import annotations\nfrom eventcore import StreamId, command, event, state, stream\n"

EVENTS = [
    HEAD + "@event\nclass Added:\n    sku: str\n",
    HEAD + "\n\n@event('added', version=2)\nclass Added:\n    sku: str\n",
    HEAD + "@event\nclass Added:\n    sku: list[str]\n",
    HEAD + "@event(NAME)\nclass Added:\n    sku: str\n",
    "class Added:\n    sku: str\n",
    "from shop.base import *\n",
    "import eventcore\nclass Added(\n",
]
STATES = [
    HEAD + "from shop.events import Added\n@state\nclass Cart:\n    def apply(self, event: Added) -> Cart:\n        return self\n",
    HEAD
    + "from .events import Added as Put\n@state\nclass Cart:\n    n: int = 0\n    def apply(self, event: Put) -> Cart:\n        return self\n",
    HEAD
    + "import shop.events as e\nThing = e.Added\n@state\nclass Cart:\n    def apply(self, event: Thing) -> Cart:\n        return self\n",
    HEAD + "from shop.events import *\n@state\nclass Cart:\n    def apply(self, event: Added) -> Cart:\n        return self\n",
    HEAD + "@state\nclass Cart:\n    pass\n",
    "from shop.base import Cart as Cart\n",
]
COMMANDS = [
    HEAD
    + "from shop.{states} import Cart\n@command\nclass Fill:\n    cart: StreamId[Cart] = stream()\n    def handle(self, streams, state):\n        return []\n",
    HEAD
    + "import shop.{states}\n@command\nclass Fill:\n    cart: StreamId[shop.{states}.Cart] = stream()\n    other: StreamId[shop.{states}.Cart] | None = stream()\n"
    + "    def handle(self, streams, state):\n        return []\n",
    HEAD + "@command\nclass Fill:\n    def handle(self, streams, state):\n        return []\n",
    HEAD
    + "import tools\nfrom shop.{states} import Cart\n@command\nclass Fill:\n    cart: StreamId[Cart] = stream()\n"
    + "    async def handle(self, streams, state):\n        await tools.fetch()\n        return []\n",
    HEAD
    + "from shop.{states} import Cart\nfrom shop.{states}_streams import CartWrites\n@command\nclass Fill:\n    cart: StreamId[Cart] = stream()\n"
    + "    def handle(self, streams, state) -> CartWrites:\n        return []\n",
    HEAD
    + "from shop.{states} import Cart\nCART = StreamId('cart-1')\n@command\nclass Fill:\n    cart: StreamId[Cart] = stream()\n"
    + "    def handle(self, streams, state):\n        return [StreamId.of(Cart, 1)]\n",
    "x = 1\n",
]
REFILL = COMMANDS[0].format(states="base").replace("Fill", "Refill")
ALONE = STATES[0].replace("from shop.events import Added", "@event\nclass Added:\n    sku: str\n")

TEXTS = {
    "shop/__init__.py": ["", "from shop.states import Cart as Cart\n", ALONE],
    "shop/events.py": EVENTS,
    "shop/states.py": STATES,
    "shop/base.py": [ALONE, *EVENTS, *STATES],
    "shop/fill.py": [text.format(states=name) for text in COMMANDS for name in ("states", "base")],
    "shop/fill_too.py": [text.format(states=name).replace("Fill", "Refill") for text in COMMANDS for name in ("states", "base")],
    "shop/states_streams.py": ["x = 1\n"],
    "shop/states/__init__.py": [ALONE],
    "shop/events/note.txt": ["a folder in the way of nothing"],
    "fill.py": [COMMANDS[0].format(states="states")],
    "tools.py": ["async def fetch(): ...\n"],
    "tools/note.txt": ["a folder that may be a package"],
}
FIRST = ("shop/__init__.py", "shop/events.py", "shop/states.py", "shop/fill.py")
SETTINGS = [
    {},
    {"exclude": ("shop/fill.py",)},
    {"exclude": ("base.py", "shop/states")},
    {"severity": {"EC201": "error", "EC204": "off", "EC205": "error"}},
]

write = st.sampled_from(sorted(TEXTS)).flatmap(lambda name: st.tuples(st.just("write"), st.just(name), st.sampled_from(TEXTS[name])))
remove = st.tuples(st.just("remove"), st.sampled_from(sorted(TEXTS)), st.just(""))
spoil = st.tuples(st.sampled_from(["spoil output", "remove output", "spoil cache", "cut cache", "remove cache"]), st.just(""), st.just(""))
steps = st.lists(st.one_of(write, write, write, remove, spoil), min_size=1, max_size=12)


def put(root: Path, name: str, text: str | None) -> None:
    """Write a file, or remove it, with its folder if that is left empty."""
    path = root / name
    if text is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    elif path.exists():
        path.unlink()
        with contextlib.suppress(OSError):
            path.parent.rmdir()


def apply(root: Path, kind: str, name: str, text: str) -> None:
    outputs = [path for path in sorted(root.rglob("*_streams.py")) if path.read_bytes().startswith(b"# @gen")]
    cached = sorted(path for path in (root / ".eventcore_cache").glob("*/*") if path.is_file())
    match kind:
        case "write":
            put(root, name, text)
        case "remove":
            put(root, name, None)
        case "spoil output":
            for path in outputs[:1]:
                path.write_bytes(path.read_bytes() + b"# more\n")
        case "remove output":
            for path in outputs[-1:]:
                path.unlink()
        case "spoil cache":
            for path in cached[::2]:
                path.write_bytes(path.read_bytes().replace(b"a", b"b"))
        case "cut cache":
            for path in cached[::3]:
                path.write_bytes(path.read_bytes()[:-7])
        case _:
            shutil.rmtree(root / ".eventcore_cache", ignore_errors=True)


def make(root: Path, names: Iterable[str] = FIRST) -> None:
    for name in names:
        apply(root, "write", name, TEXTS[name][0])


def both(root: Path, paths: Sequence[Path], cache: CacheFolder, settings: Mapping[str, Any], base: Path) -> tuple[Outcome, Outcome]:
    """Return what a run without a cache finds, and one with."""
    config = Config(root, **settings)
    return (
        generate(paths, base=base, write=False, config=config),
        generate(paths, base=base, write=False, config=config, cache=cache),
    )


@hypothesis.given(
    steps, st.sampled_from([("shop",), (".",), ("shop/fill.py", "fill.py")]), st.lists(st.sampled_from(SETTINGS)), st.booleans()
)
@hypothesis.settings(max_examples=40)
def test_a_cached_run_equals_a_run_without_a_cache(steps, names, settings, is_below):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make(root)
        base = root / "shop" if is_below else root
        cache = open_cache(root)
        paths = [root / name for name in names]
        generate(paths, base=base, write=True, cache=cache)
        for step, setting in itertools.zip_longest(steps, settings[: len(steps)], fillvalue={}):
            apply(root, *step)
            for _ in "once", "again":
                expected, found = both(root, paths, cache, setting, base)
                assert found == expected
            config = Config(root, **setting)
            generate(paths, base=base, write=True, cache=cache, config=config)
            assert generate(paths, base=base, write=False, config=config).stale == ()


USED = {
    "as it begins": {},
    "through a star": {"shop/events.py": EVENTS[5], "shop/base.py": EVENTS[0]},
    "through another module": {"shop/states.py": STATES[5], "shop/base.py": STATES[0]},
    "with a folder beyond": {"shop/fill.py": COMMANDS[3].format(states="states")},
    "with a generated type of another": {"shop/fill.py": COMMANDS[4].format(states="states")},
    "with two states": {"shop/base.py": STATES[0].replace("class Cart:", "class Cart:\n    more: int = 0"), "shop/fill_too.py": REFILL},
}


@pytest.mark.parametrize("use", USED)
def test_each_single_change_is_seen(tmp_path, use):
    """Each text in each place, and its absence, after a run without it, and back: whatever depends on it has to be found out again."""
    begin = dict.fromkeys(TEXTS) | {name: TEXTS[name][0] for name in FIRST} | USED[use]
    for name, text in begin.items():
        put(tmp_path, name, text)
    cache = open_cache(tmp_path)
    generate([tmp_path], base=tmp_path, write=True, cache=cache)
    seen = 0
    for name, text in ((name, text) for name, texts in TEXTS.items() for text in (None, *texts)):
        for now in text, begin[name]:
            put(tmp_path, name, now)
            expected, found = both(tmp_path, [tmp_path], cache, {}, tmp_path)
            assert found == expected, (name, now)
            seen += bool(found.stale or found.diagnostics)
    assert seen > 20


def test_a_change_in_one_file_has_no_other_scanned(tmp_path, monkeypatch):
    """What makes it fast: of ten files only the changed one, and the one that uses it."""
    make(tmp_path)
    for number in range(10):
        put(tmp_path, f"shop/alone_{number}.py", ALONE.replace("Added", f"Added{number}").replace("Cart", f"Cart{number}"))
    cache = open_cache(tmp_path)
    generate([tmp_path], base=tmp_path, write=True, cache=cache)
    put(tmp_path, "shop/states.py", STATES[1])

    scanned: list[str] = []
    monkeypatch.setattr("eventcore_codegen.build.scan_file", lambda path, loader: scanned.append(path.name) or scan_file(path, loader))
    assert generate([tmp_path], base=tmp_path, write=True, cache=cache).written == 0  # it says the same in other words
    assert scanned == ["fill.py", "states.py"]


def test_what_two_files_see_of_a_third_is_put_together(tmp_path):
    make(tmp_path)
    put(tmp_path, "shop/events.py", "from shop.base import *\n")
    put(tmp_path, "shop/base.py", EVENTS[0] + "@event\nclass Taken:\n    sku: str\n")
    put(tmp_path, "shop/other.py", STATES[0].replace("Added", "Taken").replace("Cart", "Shelf"))
    cache = open_cache(tmp_path)
    for _ in "found", "recalled":
        [star] = generate([tmp_path], base=tmp_path, write=True, cache=cache).diagnostics
        assert (star.path, star.message) == ("shop/events.py", "`import *` hides where 'Added', 'Taken' come from")
        (tmp_path / "note.py").write_text("x = 1\n")  # so that the next run cannot be recalled as a whole
