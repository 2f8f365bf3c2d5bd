"""A user's project of any size: packages whose commands use states and events of other modules."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_COMMANDS_EACH: Final = 5

_HEAD: Final = '''\
"""Desk {number}: a state with its events, and the commands on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from eventcore import StreamId, command, event, require, state, stream
{imports}

if TYPE_CHECKING:
    from {module}_streams import (
{generated}
    )


@event
class Opened{number}:
    owner: str
    limit: int = 0


@event
class Moved{number}:
    amount: int
    note: str | None = None


@event
class Closed{number}:
    reason: str


Desk{number}Event: TypeAlias = Opened{number} | Moved{number} | Closed{number}


@state
class Desk{number}:
    owner: str = ""
    balance: int = 0
    is_open: bool = False

    def apply(self, event: Desk{number}Event) -> Desk{number}:
        match event:
            case Opened{number}(owner=owner):
                return Desk{number}(owner=owner, is_open=True)
            case Moved{number}(amount=amount):
                return Desk{number}(owner=self.owner, balance=self.balance + amount, is_open=self.is_open)
            case Closed{number}():
                return Desk{number}(owner=self.owner, balance=self.balance)
'''

_COMMAND: Final = '''

@command
class {name}:
    """Move an amount between a desk here and one of another module."""

    source: StreamId[Desk{number}] = stream()
    target: StreamId[Desk{other}] = stream()
    auditors: tuple[StreamId[Desk{other}], ...] = stream(read_only=True)
    amount: int

    def handle(self, streams: {name}Streams, state: {name}State) -> {name}Writes:
        require(self.amount > 0, "An amount must be positive")
        require(state.source.balance >= self.amount, "Insufficient funds")
        yield streams.source.write(Moved{number}(-self.amount))
        yield streams.target.write(Moved{other}(self.amount))
'''


def make_project(root: Path, *, modules: int = 100) -> None:
    """Write *modules* modules of five commands each below *root*, ten to a package. Each uses the state of the module after it."""
    for number in range(modules):
        path = root / f"{_module(number).replace('.', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "__init__.py").touch()
        (root / "office" / "__init__.py").touch()
        path.write_text(module_source(number, modules), encoding="utf-8")


def module_source(number: int, modules: int) -> str:
    other = (number + 1) % modules
    names = [f"Transfer{number}Kind{kind}" for kind in range(_COMMANDS_EACH)]
    generated = "\n".join(f"        {name}{part}," for name in names for part in ("State", "Streams", "Writes"))
    # The modules import one another in a circle; a project would break it, the generator need not care.
    imports = f"from {_module(other)} import Desk{other}, Moved{other}"
    head = _HEAD.format(number=number, imports=imports, module=_module(number), generated=generated)
    return head + "".join(_COMMAND.format(name=name, number=number, other=other) for name in names)


def _module(number: int) -> str:
    return f"office.floor_{number // 10}.desk_{number}"
