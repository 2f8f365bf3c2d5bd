"""Show the whole way, from a declaration to thousands of concurrent commands on SQLite files. `make demo` runs it.

Everything happens in a temporary folder, on a copy of the examples without their generated files.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent
WIDTH = 78

MISTAKES = """\
from bank.accounts import MoneyReceived
from shop.checkout_streams import CheckoutCartStreams, CheckoutCartWrites
from shop.customers import Blocked


def handle(streams: CheckoutCartStreams) -> CheckoutCartWrites:
    yield streams.customer.write(Blocked("no reason"))
    yield streams.cart.write(MoneyReceived(5, "account-1"))
    yield streams.warehouse.write(Blocked("no reason"))
"""

WHAT_MYPY_SAID = """\
The first: CheckoutCart declares its customer read-only, so that stream has no `write` at all. The second: a cart takes the events that \
Cart.apply takes, and money received is none of them. The third: nobody declared a warehouse. None of this needed a test or a run, and no \
plugin: the generated classes are plain typed Python, and pyright says the same.
"""


class DemoFailed(Exception):
    """A step did not end as it should have."""


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="eventcore-demo-") as folder:
        try:
            _show_all(Path(folder))
        except DemoFailed as error:
            print(f"\nthe demo failed: {error}", file=sys.stderr)
            return 1
    return 0


def _show_all(folder: Path) -> None:
    for name in ("bank", "shop"):
        shutil.copytree(EXAMPLES / name, folder / name, ignore=shutil.ignore_patterns("*_streams.py", "tests", "__pycache__"))
    _heading("1. A command declares the streams that it reads and writes")
    _quote(folder / "bank/commands.py", first="@command\nclass TransferMoney", last="    def handle")
    _say("Both accounts will be written, or neither. There is no aggregate to choose in advance: the command is the boundary.")

    _heading("2. The generator writes its types and its write validator")
    _run(folder, "eventcore", "generate", "bank", "shop")
    _say("For TransferMoney, in bank/commands_streams.py, among other things:")
    print()
    _quote(folder / "bank/commands_streams.py", first="class TransferMoneyStreams", last="    def __init__")

    _heading("3. A type checker reads them, without a plugin")
    _run(folder, "mypy", "--strict", "bank", "shop")

    _heading("4. A wrong write does not get past it")
    (folder / "mistakes.py").write_text(f"from __future__ import annotations\n\n{MISTAKES}", encoding="utf-8")
    print(textwrap.indent(MISTAKES[MISTAKES.index("def handle") :], "    "))
    _run(folder, "mypy", "--strict", "--pretty", "mistakes.py", expected=1)
    _say(WHAT_MYPY_SAID)

    _heading("5. The bank: two processes move money between ten accounts at once")
    _run(folder, "python", "-m", "bank", "--file", "bank.db", "--transfers", "4000", "--processes", "2")

    _heading("6. The shop: checkouts that find their products while they run")
    _run(folder, "python", "-m", "shop", "--file", "shop.db", "--customers", "400")
    _say("The sources: examples/bank and examples/shop. Where to read on: README.md and docs/.")


def _run(folder: Path, *command: str, expected: int = 0) -> None:
    """Run a program of this environment in *folder*, and show the command line and what it printed."""
    print(_styled(f"    $ {' '.join(command)}", "1"), flush=True)
    program = [sys.executable] if command[0] == "python" else [str(Path(sys.executable).with_name(command[0]))]
    environment = {**os.environ, "MYPY_CACHE_DIR": str(folder / ".mypy_cache"), "MYPY_FORCE_TERMINAL_WIDTH": str(WIDTH - 4)}
    done = subprocess.run(  # noqa: S603  # the programs named above
        [*program, *command[1:]],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print("\n".join(f"    {line}".rstrip() for line in done.stdout.rstrip().splitlines()), flush=True)
    if done.returncode != expected:
        raise DemoFailed(f"`{' '.join(command)}` exited with {done.returncode}, expected {expected}")


def _quote(source: Path, *, first: str, last: str) -> None:
    """Show the lines of *source* from *first* up to *last*."""
    text = source.read_text(encoding="utf-8")
    begin = text.index(first)
    print(textwrap.indent(text[begin : text.index(last, begin)].rstrip(), "    "))


def _heading(text: str) -> None:
    print(f"\n{_styled(text, '1;36')}\n{_styled('-' * len(text), '36')}\n", flush=True)


def _say(text: str) -> None:
    print(f"\n{textwrap.fill(' '.join(text.split()), WIDTH)}", flush=True)


def _styled(text: str, code: str) -> str:
    """Return *text*, in colour where a person looks at a terminal that shows it and has not asked for none (no-color.org)."""
    colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return f"\x1b[{code}m{text}\x1b[0m" if colours else text


if __name__ == "__main__":
    sys.exit(main())
