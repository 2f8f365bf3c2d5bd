"""What an old snapshot must not outlive: all that `apply` reaches by name in its package."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from eventcore.execute.reached import reached

FILES = {
    "__init__.py": "",
    "rates.py": """
import enum
LIMIT = 100
UNUSED = 1
class Kind(enum.Enum):
    HIGH = 7
def doubled(amount, times=2):
    return amount * times
def unused():
    return 3
""",
    "money.py": """
import functools
def rounded(method):
    @functools.wraps(method)
    def inner(self):
        return round(method(self), 0)
    return inner
class Money:
    SCALE = 10
    def __init__(self, amount):
        self.amount = amount
    def __add__(self, other):
        return Money(self.amount + other.amount)
    @staticmethod
    def zero():
        return Money(0)
    @property
    def cents(self):
        return self.amount * self.SCALE
    @rounded
    def whole(self):
        return self.amount / 5
    @functools.lru_cache
    def kept(self):
        return self.amount + 11
    def idle(self):
        return 4
""",
    "events.py": """
class Paid:
    amount = 1
    def net(self):
        return self.amount - 13
""",
    "states.py": """
import shop_of_test.rates as rates
from shop_of_test.money import Money
from shop_of_test.rates import Kind
class Account:
    def apply(self, event):
        total = Money(event.net()) + Money.zero()
        return (total.cents, total.whole(), total.kept(), min(rates.doubled(1), rates.LIMIT), Kind.HIGH, {"x", "y"} == {"a"} or event in {"p", "q"})
""",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    folder = tmp_path / "shop_of_test"
    folder.mkdir()
    yield folder
    forget()


def forget() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "shop_of_test"]:
        del sys.modules[name]


def texts(folder: Path, file: str = "", before: str = "", after: str = "") -> list[str]:
    """Return what is reached where one file says something else."""
    for name, text in FILES.items():
        assert name != file or text.count(before) == 1
        (folder / name).write_text(text.replace(before, after) if name == file else text)
    forget()
    importlib.invalidate_caches()
    states = importlib.import_module("shop_of_test.states")
    events = importlib.import_module("shop_of_test.events")
    return list(reached(states.Account, "shop_of_test.states", [events.Paid]))


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("rates.py", "amount * times", "amount + times"),
        ("rates.py", "times=2", "times=3"),
        ("rates.py", "LIMIT = 100", "LIMIT = 200"),
        ("rates.py", "HIGH = 7", "HIGH = 8"),
        ("money.py", "self.amount + other.amount", "self.amount - other.amount"),
        ("money.py", "return Money(0)", "return Money(1)"),
        ("money.py", "SCALE = 10", "SCALE = 100"),
        ("money.py", "self.amount * self.SCALE", "self.amount + self.SCALE"),
        ("money.py", "self.amount / 5", "self.amount / 6"),
        ("money.py", "round(method(self), 0)", "round(method(self), 1)"),
        ("money.py", "self.amount + 11", "self.amount + 12"),
        ("money.py", "self.amount = amount", "self.amount = -amount"),
        ("events.py", "self.amount - 13", "self.amount - 14"),
        ("events.py", "amount = 1", "amount = 2"),
    ],
)
def test_a_change_of_what_apply_reaches_in_its_package_is_seen(package: Path, file: str, before: str, after: str) -> None:
    assert texts(package, file, before, after) != texts(package)


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [("rates.py", "UNUSED = 1", "UNUSED = 2"), ("rates.py", "return 3", "return 4")],
)
def test_what_it_does_not_reach_makes_no_snapshot_invalid(package: Path, file: str, before: str, after: str) -> None:
    assert texts(package, file, before, after) == texts(package)
