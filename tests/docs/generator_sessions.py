"""What docs/generator-sessions.md shows was recorded: ``python -m tests.docs.generator_sessions`` plays it in a project of its own and writes it there.

Times of day, durations and folders differ from run to run; the page has the same ones for all.
"""

from __future__ import annotations

import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, TypeAlias

import attrs

from tests.docs.marks import put_between
from tests.docs.pages import ROOT

PAGE: Final = ROOT / "docs" / "generator-sessions.md"
BEGIN, END = "<!-- recorded by `python -m tests.docs.generator_sessions` -->\n", "<!-- end of what was recorded -->\n"

PYPROJECT: Final = """\
[build-system]
requires = ["hatchling", "eventcore-py[codegen]"]
build-backend = "hatchling.build"

[project]
name = "shop"
version = "1"
requires-python = ">=3.11"

[tool.hatch.build.targets.wheel]
packages = ["src/shop"]

[tool.hatch.build.hooks.eventcore]

[tool.eventcore]
sources = ["src"]
"""

CART: Final = """\
from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, event, state, stream

if TYPE_CHECKING:
    from shop.cart_streams import FillState, FillStreams, FillWrites


@event
class ItemAdded:
    sku: str


@state
class Cart:
    skus: tuple[str, ...] = ()

    def apply(self, event: ItemAdded) -> Cart:
        return Cart((*self.skus, event.sku))


@command
class Fill:
    cart: StreamId[Cart] = stream()
    sku: str

    def handle(self, streams: FillStreams, state: FillState) -> FillWrites:
        yield streams.cart.write(ItemAdded(self.sku))
"""

STOCK: Final = """\
from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import Discovered, StreamId, command, discovered, event, state, stream
from shop.cart import Cart

if TYPE_CHECKING:
    from shop.stock_streams import CheckoutResolver, CheckoutState, CheckoutStreams, CheckoutWrites
    from shop.stock_streams import SupplyState, SupplyStreams, SupplyWrites


@event
class Supplied:
    pieces: int


@event
class Sold:
    pieces: int


@state
class Product:
    pieces: int = 0

    def apply(self, event: Supplied | Sold) -> Product:
        return Product(self.pieces + event.pieces if isinstance(event, Supplied) else self.pieces - event.pieces)


@command
class Supply:
    product: StreamId[Product] = stream()
    pieces: int

    def handle(self, streams: SupplyStreams, state: SupplyState) -> SupplyWrites:
        yield streams.product.write(Supplied(self.pieces))


@command
class Checkout:
    cart: StreamId[Cart] = stream(read_only=True)
    products: Discovered[Product] = discovered()

    def handle(self, streams: CheckoutStreams, state: CheckoutState, resolver: CheckoutResolver) -> CheckoutWrites:
        wanted = [StreamId.of(Product, sku) for sku in dict.fromkeys(state.cart.skus)]
        resolver.products.add(wanted)
        for product in wanted:
            yield streams.products[product].write(Sold(1))
"""

PRE_COMMIT: Final = """\
repos:
  - repo: local
    hooks:
      - id: eventcore-generate
        name: eventcore generate
        entry: eventcore generate
        language: system
        types_or: [python, toml]
        pass_filenames: false
        require_serial: true
"""

TEST: Final = """\
from shop.cart import Cart


def test_a_cart_is_empty_at_first() -> None:
    assert Cart().skus == ()
"""


@attrs.frozen
class Change:
    """*path* is saved with *new* in place of *old*; without *old* it becomes *new*. *told* is how the page says so."""

    told: str
    path: str
    old: str
    new: str

    def make(self, project: Path) -> None:
        path = project / self.path
        text = path.read_text(encoding="utf-8") if self.old else ""
        if self.old not in text:
            raise ValueError(f"{self.path} holds no {self.old!r}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace(self.old, self.new, 1) if self.old else self.new, encoding="utf-8")


@attrs.frozen
class Watch:
    """A run of ``eventcore generate --watch``: one line at its start and one for each of the changes."""

    changes: tuple[Change, ...]


Step: TypeAlias = "str | Change | Watch"
"""A command, what is changed between two of them, or a watch."""

_EMPTIED: Final = "@event\nclass Emptied:\n    pass\n\n\n@state"
_TAKES_IT: Final = ("event: ItemAdded)", "event: ItemAdded | Emptied)")

SESSIONS: Final[Mapping[str, tuple[str, tuple[Step, ...]]]] = {
    "Generate": (
        "The sources are those that `[tool.eventcore]` names. What would not change is not written again.",
        ("eventcore generate", "eventcore generate"),
    ),
    "`--check` and `--diff`": (
        "Both write nothing and show what would change. Only `--check` calls it a failure.",
        (
            Change("a cart can be emptied from now on", "src/shop/cart.py", "@state", _EMPTIED),
            Change("", "src/shop/cart.py", *_TAKES_IT),
            "eventcore generate --check; echo exit code $?",
            "eventcore generate --diff > shop.diff; echo exit code $?; wc -l < shop.diff",
        ),
    ),
    "Mistakes": (
        "Each is shown where it stands, with its code and help. A warning stops nothing.",
        (
            "eventcore generate",
            Change("a slip of the pen", "src/shop/stock.py", "StreamId[Cart]", "StreamId[Cartt]"),
            "eventcore generate; echo exit code $?",
        ),
    ),
    "`--json`": (
        "For programs: one document, in every mode.",
        (
            "eventcore generate --check --json; echo exit code $?",
            Change("mended", "src/shop/stock.py", "StreamId[Cartt]", "StreamId[Cart]"),
            "eventcore generate",
        ),
    ),
    "`--watch`": (
        "A line for each round, soon after a save; Ctrl-C ends it.",
        (
            Watch(
                (
                    Change(
                        "an event is given a name to be stored under",
                        "src/shop/stock.py",
                        "@event\nclass Sold",
                        '@event("product.sold")\nclass Sold',
                    ),
                    Change("a file is saved half-written", "src/shop/cart.py", "class Cart:", "class Cart"),
                    Change("and whole", "src/shop/cart.py", "class Cart\n", "class Cart:\n"),
                    Change("somebody edits what was generated", "src/shop/cart_streams.py", "cart", "basket"),
                )
            ),
        ),
    ),
    "pre-commit": (
        "A hook that finds something to write fails, so that the commit can be looked at again; the second run is content.",
        (
            Change("", ".pre-commit-config.yaml", "", PRE_COMMIT),
            Change("", ".gitignore", "", ".eventcore_cache/\ndist/\n*.diff\n__pycache__/\n"),
            "git init --quiet && git add .",
            Change("an event more", "src/shop/cart.py", "sku: str\n", "sku: str\n    note: str | None = None\n"),
            Change("and one fewer", "src/shop/cart.py", " | Emptied)", ")"),
            "git add . && pre-commit run --all-files; echo exit code $?",
            "git add . && pre-commit run --all-files; echo exit code $?",
        ),
    ),
    "hatchling": (
        "Nothing generated is there, and yet it is in the wheel: the build hook made it.",
        (
            "rm src/shop/*_streams.py",
            "python -m build --no-isolation --wheel . 2>&1 | tail -1",
            "python -m zipfile --list dist/shop-1-py3-none-any.whl | grep -o 'shop/[a-z_]*.py'",
        ),
    ),
    "pytest": (
        "No test runs on stale code.",
        (
            Change("", "test_cart.py", "", TEST),
            "rm src/shop/stock_streams.py",
            "PYTHONPATH=src:$PYTHONPATH pytest -q --eventcore-check; echo exit code $?",
            "eventcore generate",
            "PYTHONPATH=src:$PYTHONPATH pytest -q --eventcore-check",
        ),
    ),
    "Who": (
        "Who has to do with one state, stream or event; [the map](map.md) explains it.",
        ("eventcore who product-7", "eventcore who Itemadded"),
    ),
    "The map and its conflict matrix": (
        "All commands, all states, and which commands can conflict on what.",
        ("eventcore map", "eventcore map --format mermaid"),
    ),
}


def recorded() -> str:
    """Play all sessions, one after the other, and return what belongs onto the page."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder).resolve() / "shop"
        for name, text in (
            ("pyproject.toml", PYPROJECT),
            ("src/shop/__init__.py", ""),
            ("src/shop/cart.py", CART),
            ("src/shop/stock.py", STOCK),
        ):
            Change("", name, "", text).make(project)
        parts = [f"## {title}\n\n{prose}\n\n```text\n{_played(steps, project)}```\n" for title, (prose, steps) in SESSIONS.items()]
    return "\n".join(parts)


def _played(steps: Iterable[Step], project: Path) -> str:
    return _normal("".join(_told(step, project) for step in steps), project)


def _told(step: Step, project: Path) -> str:
    match step:
        case str():
            return f"$ {step.replace('PYTHONPATH=src:$PYTHONPATH', 'PYTHONPATH=src')}\n{_output(step, project)}"
        case Change():
            step.make(project)
            return f"# {step.told}\n" if step.told else ""
        case Watch():
            return _watched(step, project)


def _environment(project: Path) -> dict[str, str]:
    """Return the environment of a user who has installed what the tests run in."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PYTEST_", "PRE_COMMIT"))}
    return mine | {
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "codegen"))),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTEST_ADDOPTS": "-p no:cacheprovider -p no:randomly",
        "PRE_COMMIT_HOME": str(project.parent / "pre-commit"),
        "NO_COLOR": "1",
        "COLUMNS": "100",
    }


def _output(command: str, project: Path) -> str:
    return subprocess.run(
        ["bash", "-c", command],
        cwd=project,
        env=_environment(project),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=100,
    ).stdout


def _watched(watch: Watch, project: Path) -> str:
    command = [sys.executable, "-m", "eventcore", "generate", "--watch"]
    with subprocess.Popen(
        command, cwd=project, env=_environment(project), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        next_line = _reader(process)
        told = ["$ eventcore generate --watch\n", next_line()]
        for change in watch.changes:
            change.make(project)
            told += [f"# {change.told}\n", next_line()]
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
    return "".join(told)


def _reader(process: subprocess.Popen[str]) -> Callable[[], str]:
    """Return what waits for the next line that *process* prints, and not for ever."""
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        for line in process.stdout or ():
            lines.put(line)

    threading.Thread(target=read, daemon=True).start()
    return lambda: lines.get(timeout=60)


def _normal(text: str, project: Path) -> str:
    text = text.replace(str(project), "/home/ada/shop")
    text = re.sub(r"^\d\d:\d\d:\d\d ", "12:00:00 ", text, flags=re.MULTILINE)
    text = re.sub(r"\b(in|- duration:) \d+(\.\d+)?s\b", r"\1 0.10s", text)
    return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)


if __name__ == "__main__":
    put_between(PAGE, BEGIN, END, recorded())
