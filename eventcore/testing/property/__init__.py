"""Property tests of a command: what must hold for each history and each argument, tried on many that Hypothesis makes up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from eventcore.arguments import Arguments
from eventcore.codec import EventCodec
from eventcore.declare import command_marker
from eventcore.errors import CommandRejected, InvalidArgument
from eventcore.store import EventStore
from eventcore.stores.memory import InMemoryEventStore

if TYPE_CHECKING:
    from hypothesis import settings as Settings  # noqa: N812
    from hypothesis.strategies import SearchStrategy


def check_command(
    command: type[object],
    /,
    *,
    others: Sequence[type[object]] = (),
    after: Sequence[type[object]] = (),
    strategies: Mapping[Any, SearchStrategy[Any]] | None = None,
    raises: tuple[type[Exception], ...] = (CommandRejected,),
    store: Callable[[], EventStore] = InMemoryEventStore,
    codec: EventCodec | None = None,
    settings: Settings | None = None,
) -> None:
    """Run *command* on many histories and with many arguments, and fail with the simplest case that breaks a rule, written as a scenario.

    The rules: every event survives the codec; `apply` takes every event that a stream may hold, changes nothing in place, and folds in two
    parts as it does at once; `handle` writes only what is declared, changes none of its inputs, and decides the same on the same; and commands
    that run at the same time do what they would have done one after the other, in some order.

    Histories are arbitrary events that the streams' states take; or, with *after*, what those commands write. The streams of each state are
    ``StreamId.of(State, "a")``, ``"b"`` and so on, as few as the commands can do with. *others* are commands that run at the same time,
    besides another one of *command* itself. *strategies* says how values of a type are made, which may be an event, a command, or the type
    of a field; what its class refuses with `ValueError` is no case. *raises* are the errors that `handle` may end with. *store* makes the
    store under test, and *codec* is the one that the program uses. *settings* are Hypothesis's.

    Needs Hypothesis: the extra `testing`.
    """
    __tracebackhide__ = True
    given = Arguments("check_command")
    for name, several in {"command": (command,), "others": others, "after": after}.items():
        for each in several:
            given.check(isinstance(cast("object", each), type) and command_marker(each) is not None, name, each, "a @command class")
    try:
        from eventcore.testing.property.search import Search  # noqa: PLC0415  # it imports Hypothesis, which is an extra
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        raise InvalidArgument(
            "check_command makes up its cases with Hypothesis; install the extra: pip install 'eventcore-py[testing]'"
        ) from error
    search = Search(
        command=command,
        others=tuple(others),
        after=tuple(after),
        strategies=strategies or {},
        raises=raises,
        store=store,
        codec=codec,
        settings=settings,
    )
    found = search.run()
    if found is not None:
        raise AssertionError(found)
