"""A stranger's project: a depot of goods, shelves, orders, clients and vouchers, in twenty modules of one package.

Events and states are written from a table, each kind in a module of its own and re-exported by its package; no command declares what it uses. Between them
the commands have every kind of stream field: one stream, read-only, optional, many, discovered, and `events=` with a fold of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import attrs

from tests.packaging.depot_commands import COMMANDS, DAY


@attrs.frozen
class Kind:
    """What the depot keeps one stream of for each: its *events* with their fields, its *fields*, and what each event makes of it."""

    noun: str
    module: str
    events: dict[str, dict[str, str]]
    fields: dict[str, str]
    folds: dict[str, str]

    @property
    def alias(self) -> str:
        return f"{self.noun}Event"


KINDS: Final = (
    Kind(
        "Goods",
        "goods",
        {"Received": {"lot": "str", "quantity": "int"}, "Picked": {"quantity": "int", "order": "str"}},
        {"on_hand": "int = 0", "lots": "tuple[str, ...] = ()"},
        {
            "Received(lot, quantity)": "Goods(self.on_hand + quantity, (*self.lots, lot))",
            "Picked(quantity)": "Goods(self.on_hand - quantity, self.lots)",
        },
    ),
    Kind(
        "Shelf",
        "shelves",
        {"Placed": {"sku": "str"}, "Cleared": {}},
        {"skus": "frozenset[str] = frozenset()"},
        {"Placed(sku)": "Shelf(self.skus | {sku})", "Cleared()": "Shelf()"},
    ),
    Kind(
        "Order",
        "orders",
        {"Ordered": {"sku": "str", "quantity": "int"}, "Packed": {"kinds": "int"}},
        {"lines": "Mapping[str, int] = attrs.field(factory=dict[str, int])", "is_packed": "bool = False"},
        {
            "Ordered(sku, quantity)": "Order({**self.lines, sku: self.lines.get(sku, 0) + quantity})",
            "Packed()": "Order(self.lines, is_packed=True)",
        },
    ),
    Kind(
        "Client",
        "clients",
        {"Registered": {"name": "str"}, "Barred": {"reason": "str | None = None"}},
        {"name": 'str = ""', "is_barred": "bool = False"},
        {"Registered(name)": "Client(name)", "Barred()": "Client(self.name, is_barred=True)"},
    ),
    Kind(
        "Voucher",
        "vouchers",
        {"Issued": {"percent": "int"}, "Redeemed": {"order": "str"}},
        {"percent": "int = 0"},
        {"Issued(percent)": "Voucher(percent)", "Redeemed()": "Voucher()"},
    ),
)

PYPROJECT: Final = """\
[build-system]
requires = ["hatchling", "eventcore-py[codegen]"]
build-backend = "hatchling.build"

[project]
name = "depot"
version = "1"
dependencies = ["eventcore-py"]

[tool.hatch.build.targets.wheel]
packages = ["src/depot"]

[tool.hatch.build.hooks.eventcore]

[tool.eventcore]
sources = ["src"]
"""


def write_project(root: Path) -> None:
    """Write the project into the folder *root*."""
    (root / "src/depot").mkdir(parents=True)
    (root / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    (root / ".gitignore").write_text("*_streams.py\n", encoding="utf-8")
    (root / "day.py").write_text(DAY, encoding="utf-8")
    (root / "src/depot/py.typed").touch()
    for name, text in modules():
        path = root / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def modules() -> Iterator[tuple[str, str]]:
    """Yield the path of each module of the package, and its text."""
    events = {kind.module: (*kind.events, kind.alias) for kind in KINDS}
    states = {kind.module: (kind.noun,) for kind in KINDS}
    names = {module: names for module, (_, names) in COMMANDS.items()}
    yield "depot/events/__init__.py", _index("depot.events", events)
    # The shelf is a rack to all others: a name of its own, given where it is exported again.
    yield (
        "depot/states/__init__.py",
        _index("depot.states", states).replace("import Shelf", "import Shelf as Rack").replace('"Shelf"', '"Rack"'),
    )
    yield "depot/commands/__init__.py", _index("depot.commands", names)
    exported = {
        "states": ("Client", "Goods", "Order", "Rack", "Voucher"),
        "commands": tuple(name for each in names.values() for name in each),
    }
    yield "depot/__init__.py", _index("depot", exported)
    for kind in KINDS:
        yield f"depot/events/{kind.module}.py", "\n".join(_events(kind))
        yield f"depot/states/{kind.module}.py", "\n".join(_state(kind))
    for module, (text, _) in COMMANDS.items():
        place = "receiving/__init__" if module == "receiving" else module.replace(".", "/")
        yield f"depot/commands/{place}.py", text


def _index(package: str, exported: Mapping[str, tuple[str, ...]]) -> str:
    lines = ["from __future__ import annotations", ""]
    lines += [f"from {package}.{module} import {', '.join(names)}" for module, names in exported.items()]
    everything = ", ".join(f'"{name}"' for names in exported.values() for name in names)
    return "\n".join([*lines, "", f"__all__ = [{everything}]", ""])


def _events(kind: Kind) -> Iterator[str]:
    yield "from __future__ import annotations\n\nfrom typing import TypeAlias\n\nfrom eventcore import event\n"
    for name, fields in kind.events.items():
        yield f"\n@event\nclass {name}:"
        yield from [f"    {field}: {type_}" for field, type_ in fields.items()] or ["    pass"]
        yield ""
    yield f"\n{kind.alias}: TypeAlias = {' | '.join(kind.events)}\n"


def _state(kind: Kind) -> Iterator[str]:
    yield "from __future__ import annotations\n"
    if "lines" in kind.fields:
        yield "from collections.abc import Mapping\n\nimport attrs\n"
    yield "from eventcore import state\n"
    yield f"from depot.events import {', '.join((*kind.events, kind.alias))}\n\n"
    yield f"@state\nclass {kind.noun}:"
    yield from (f"    {field}: {type_}" for field, type_ in kind.fields.items())
    yield f"\n    def apply(self, event: {kind.alias}) -> {kind.noun}:\n        match event:"
    for pattern, made in kind.folds.items():
        yield f"            case {pattern}:\n                return {made}"
    yield ""
