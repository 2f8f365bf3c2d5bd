"""Where the standard output takes no more, every command ends in one line and says so by its code; where nobody reads any more, it ends quietly."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from eventcore import SqliteEventStore

CART = """
from eventcore import StreamId, command, event, state, stream

@event
class Added:
    pass

@state
class Cart:
    def apply(self, event: Added) -> "Cart":
        return self

@command
class Fill:
    cart: StreamId[Cart] = stream()

    def handle(self, streams, state):
        yield streams.cart.write(Added())
"""

PRINTING = (
    "--help",
    "streams --help",
    "generate shop",
    "generate --check shop",
    "generate --diff --json shop",
    "generate --watch shop",
    "map shop",
    "who Cart shop",
    "migrate shop.db",
    "doctor shop.db",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/cart.py").write_text(CART)
    asyncio.run(make_store(tmp_path / "shop.db"))
    return tmp_path


async def make_store(path: Path) -> None:
    async with SqliteEventStore(path):
        pass


def run(folder: Path, command: str, output: str, *, unbuffered: str = "", encoding: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} -m eventcore {command} {output}"],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "PYTHONUNBUFFERED": unbuffered,
            "PYTHONIOENCODING": encoding,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("command", PRINTING)
def test_a_disk_that_is_full_is_told_in_one_line(folder, command):
    done = run(folder, command, "> /dev/full")

    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "eventcore: the standard output cannot be written: No space left on device"
    assert "Traceback" not in done.stderr


def test_it_is_told_where_python_buffers_nothing(folder):
    done = run(folder, "map shop", "> /dev/full", unbuffered="1")

    assert (done.returncode, done.stderr) == (2, "eventcore: the standard output cannot be written: No space left on device\n")


@pytest.mark.parametrize("command", [*PRINTING, "tail shop.db", "projections status --url shop.db"])
def test_without_an_output_it_does_nothing_and_says_so(folder, command):
    done = run(folder, command, ">&-")

    assert (done.returncode, done.stderr) == (2, "eventcore: there is no standard output to print to: it is closed\n")
    assert not (folder / "shop/cart_streams.py").exists()


@pytest.mark.parametrize(
    ("command", "code"), [("generate shop", 0), ("generate --check shop", 1), ("map shop", 0), ("streams --help", 0), ("doctor shop.db", 0)]
)
def test_nobody_who_reads_is_no_error_and_changes_no_answer(folder, command, code):
    done = run(folder, command, "| true")

    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.removesuffix("help: run `eventcore generate shop`\n") == ""


def test_what_the_output_has_no_characters_for_is_written_as_in_json(folder):
    (folder / "shop/cart.py").write_text(CART.replace("Cart", "Körbe"), encoding="utf-8")

    done = run(folder, "map shop", "", encoding="ascii")

    assert (done.returncode, done.stderr) == (0, "")
    assert "K\\u00f6rbe" in done.stdout
