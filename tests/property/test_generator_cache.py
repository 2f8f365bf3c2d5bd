"""A run with a cache is a run without one, whatever happened to the source, to the generated files or to the cache before it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import hypothesis
from hypothesis import strategies as st

from eventcore_codegen.cache.folder import open_cache
from eventcore_codegen.pipeline import generate

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
    "x = 1\n",
]
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
}

write = st.sampled_from(sorted(TEXTS)).flatmap(lambda name: st.tuples(st.just("write"), st.just(name), st.sampled_from(TEXTS[name])))
remove = st.tuples(st.just("remove"), st.sampled_from(sorted(TEXTS)), st.just(""))
spoil = st.tuples(st.sampled_from(["spoil output", "remove output", "spoil cache", "cut cache", "remove cache"]), st.just(""), st.just(""))
steps = st.lists(st.one_of(write, write, write, remove, spoil), min_size=1, max_size=12)


def apply(root: Path, kind: str, name: str, text: str) -> None:
    outputs = [path for path in sorted(root.rglob("*_streams.py")) if path.read_bytes().startswith(b"# @gen")]
    cached = sorted(path for path in (root / ".eventcore_cache").glob("*/*") if path.is_file())
    match kind:
        case "write":
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        case "remove":
            (root / name).unlink(missing_ok=True)
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


@hypothesis.given(steps, st.sampled_from([("shop",), (".",), ("shop/fill.py", "fill.py")]))
@hypothesis.settings(max_examples=40)
def test_a_cached_run_equals_a_run_without_a_cache(steps, names):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in ("shop/__init__.py", "shop/events.py", "shop/states.py", "shop/fill.py"):
            apply(root, "write", name, TEXTS[name][0])
        cache = open_cache(root)
        paths = [root / name for name in names]
        generate(paths, base=root, write=True, cache=cache)
        for step in steps:
            apply(root, *step)
            expected = generate(paths, base=root, write=False)
            assert generate(paths, base=root, write=False, cache=cache) == expected
            assert generate(paths, base=root, write=False, cache=cache) == expected
            generate(paths, base=root, write=True, cache=cache)
            assert generate(paths, base=root, write=False).stale == ()
