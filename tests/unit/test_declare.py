from __future__ import annotations

import dataclasses
import functools

import attrs
import pytest

from eventcore import (
    CommandRejected,
    DefinitionError,
    Discovered,
    InvalidCommand,
    StreamId,
    command,
    discovered,
    event,
    require,
    state,
    stream,
)
from eventcore.declare import command_marker, event_marker, state_marker
from eventcore.errors import AliasedStreams


@state
class HTTPServerState:
    count: int = 0

    def apply(self, event: object) -> HTTPServerState:
        return self


def handle(self, streams, state):
    return ()


def refused(make, *, field: str | None, problem: str):
    with pytest.raises(DefinitionError, match=problem) as caught:
        make()
    assert caught.value.field == field
    assert caught.value.owner.endswith("Wrong")


def test_an_event_is_stored_under_its_class_name_unless_it_says_otherwise():
    @event
    class Plain:
        pass

    @event("cart.item-added", version=2)
    class Named:
        pass

    @event(version=3)
    class Newer:
        pass

    markers = [event_marker(cls) for cls in (Plain, Named, Newer)]
    assert [(marker.name, marker.version) for marker in markers] == [("Plain", 1), ("cart.item-added", 2), ("Newer", 3)]


def test_a_subclass_of_an_event_is_no_event_until_it_says_so():
    @event
    class Base:
        pass

    class Derived(Base):
        pass

    assert event_marker(Derived) is None


@pytest.mark.parametrize("name", ["", " x", "a\nb", "x" * 256])
def test_a_bad_event_name_is_refused_at_import(name):
    def make():
        @event(name)
        class Wrong:
            pass

    refused(make, field=None, problem="is no event name")


def test_a_version_below_one_is_refused_at_import():
    def make():
        @event("x", version=0)
        class Wrong:
            pass

    refused(make, field=None, problem="count from 1, got 0")


def test_events_states_and_commands_are_frozen_and_slotted():
    @event
    class Happened:
        what: str

    for instance in (Happened("x"), HTTPServerState(1)):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            instance.what = 2
        assert not hasattr(instance, "__dict__")


def test_a_state_names_its_category_in_snake_case_or_as_it_says():
    @state(category="item", ignore_unknown=True)
    class Product:
        def apply(self, event: object) -> Product:
            return self

    assert state_marker(HTTPServerState).category == "http_server_state"
    assert (state_marker(Product).category, state_marker(Product).ignore_unknown) == ("item", True)


def test_a_category_that_no_stream_could_have_is_refused():
    with pytest.raises(DefinitionError, match=r"Wrong: 'a\*' is no category, .*: it holds '\*'"):

        @state(category="a*")
        class Wrong:
            def apply(self, event: object) -> Wrong:
                return self


def test_a_state_without_apply_is_refused_at_import():
    def make():
        @state
        class Wrong:
            pass

    refused(make, field="apply", problem="a @state needs")


def test_a_state_field_without_a_default_is_refused_at_import():
    def make():
        @state
        class Wrong:
            name: str

            def apply(self, event: object) -> Wrong:
                return self

    refused(make, field="name", problem=r"a stream without events is Wrong\(\)")


def wrong_commands():
    def no_stream():
        @command
        class Wrong:
            amount: int
            handle = handle

    def no_annotation():
        @command
        class Wrong:
            main = stream()
            handle = handle

    def no_handle():
        @command
        class Wrong:
            main: StreamId = stream()

    def async_generator():
        @command
        class Wrong:
            main: StreamId = stream()

            async def handle(self, streams, state):
                yield

    def parameters():
        @command
        class Wrong:
            main: StreamId = stream()

            def handle(self, streams):
                return ()

    def mixed():
        @command
        class Wrong:
            main: StreamId = stream()
            other: StreamId = stream(events=int)
            handle = handle

    def no_initial():
        @command
        class Wrong:
            main: StreamId = stream(events=int)
            handle = handle

            def apply(self, state, event):
                return state

    def needless_apply():
        @command
        class Wrong:
            main: StreamId = stream()
            handle = handle

            def apply(self, state, event):
                return state

    def underscore():
        @command
        class Wrong:
            _main: StreamId = stream()
            handle = handle

    def attrs_already():
        @command
        @attrs.frozen
        class Wrong:
            main: StreamId = attrs.field()
            handle = handle

    def inherits():
        @command
        class Base:
            main: StreamId = stream()
            handle = handle

        @command
        class Wrong(Base):
            pass

    def order():
        @command
        class Wrong:
            first: int = 1
            main: StreamId = stream()
            handle = handle

    def any_number():
        @command
        class Wrong:
            main: StreamId = stream()

            def handle(self, *args):
                return ()

    def static():
        @command
        class Wrong:
            main: StreamId = stream()

            @staticmethod
            def handle(streams, state):
                return ()

    def named_self():
        @command
        class Wrong:
            self: StreamId = stream()
            handle = handle

    return [
        (no_stream, None, "needs at least one stream"),
        (no_annotation, "main", "it has no annotation"),
        (no_handle, "handle", "a command needs `def handle"),
        (async_generator, "handle", "async generator"),
        (parameters, "handle", "it takes 1 parameters, expected"),
        (static, "handle", "it is a @staticmethod; make it a plain method"),
        (any_number, "handle", r"it takes \*args, which does not tell"),
        (mixed, "other", "either all streams"),
        (no_initial, "initial", "folds them itself and needs it"),
        (needless_apply, "apply", "only a command whose streams say events="),
        (underscore, "_main", "cannot begin with an underscore"),
        (attrs_already, None, "remove the other decorator"),
        (inherits, None, "cannot inherit from the command"),
        (order, "main", r"main: it has no default and comes after a field that has one; move it up, or give it a default$"),
        (named_self, None, "attrs cannot make a class of it: duplicate argument 'self'"),
    ]


@pytest.mark.parametrize(("make", "field", "problem"), wrong_commands(), ids=lambda value: getattr(value, "__name__", None))
def test_a_wrong_command_is_refused_at_import_naming_class_and_field(make, field, problem):
    refused(make, field=field, problem=problem)


def test_a_handle_that_is_decorated_is_looked_at_within():
    def traced(handle):
        @functools.wraps(handle)
        def wrapper(*args):
            return handle(*args)

        return wrapper

    @command
    class Traced:
        main: StreamId = stream()

        @traced
        def handle(self, streams, state, resolver):
            return ()

    assert command_marker(Traced).takes_resolver


@pytest.mark.parametrize("decorate", [event, state, command])
def test_what_is_no_class_is_refused(decorate):
    with pytest.raises(DefinitionError):
        decorated = decorate()(lambda: None)
        assert not callable(decorated)
    with pytest.raises(DefinitionError):
        decorate(lambda: None)


@attrs.frozen
class Audited:
    actor: str


@command
class Move(Audited):
    source: StreamId[HTTPServerState] = stream()
    watched: tuple[StreamId[HTTPServerState], ...] = stream(read_only=True, default=())
    maybe: StreamId[HTTPServerState] | None = stream(default=None)
    found: Discovered[HTTPServerState] = discovered()
    amount: int = 1

    def handle(self, streams, state, resolver):
        return ()

    def __attrs_post_init__(self):
        if self.amount < 0:
            raise ValueError(super().__repr__())


def test_a_command_is_plain_data_with_inherited_fields_first_and_no_argument_for_discovered():
    made = Move("ann", StreamId("a"), (StreamId("b"),), amount=5)

    assert repr(made) == "Move(actor='ann', source='a', watched=('b',), maybe=None, amount=5)"
    assert made == Move("ann", StreamId("a"), (StreamId("b"),), amount=5)
    assert hash(made) != hash(Move("bob", StreamId("a"), (StreamId("b"),), amount=5))
    assert [name for name, _ in command_marker(Move).streams] == ["source", "watched", "maybe", "found"]
    assert repr(made.found) == "discovered()"


def test_a_commands_own_post_init_still_runs_and_may_say_super():
    with pytest.raises(ValueError, match="Move"):
        Move("ann", StreamId("a"), amount=-1)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("ann", "a"), "source"),
        (("ann", StreamId("a"), ("b",)), "watched"),
        (("ann", StreamId("a"), [StreamId("b")]), "watched"),
        (("ann", StreamId("a"), StreamId("b")), "watched"),
        (("ann", StreamId("a"), None), "watched"),
        (("ann", StreamId("a"), (), 5), "maybe"),
        (("ann", StreamId("a"), (), (StreamId("b"),)), "maybe"),
        (("ann", None), "source"),
        (("ann", (StreamId("a"),)), "source"),
    ],
)
def test_a_value_that_is_no_stream_id_is_refused_when_the_command_is_made(arguments, field):
    with pytest.raises(InvalidCommand, match=r"expected a (StreamId|tuple of StreamIds), got") as caught:
        Move(*arguments)
    assert caught.value.field == field


def test_aliases_are_told_apart_from_repeats_within_one_field():
    a, b = StreamId("a"), StreamId("b")
    assert Move("ann", a, (b, b)).watched == (b, b)
    with pytest.raises(AliasedStreams, match=r"Move.watched: 'source' and 'watched' are the same stream 'a'.*allow_aliases=True"):
        Move("ann", a, (b, a))


def test_require_formats_only_when_it_fails_and_has_arguments():
    class Loud:
        def __format__(self, spec):
            raise AssertionError("formatted in vain")

    require(1, "never {}", Loud())
    with pytest.raises(CommandRejected, match=r"^a \{brace\}$"):
        require(0, "a {brace}")
    with pytest.raises(CommandRejected, match="^need 5 of tea$"):
        require([], "need {} of {}", 5, "tea")
    mine = LookupError("mine")
    with pytest.raises(LookupError) as caught:
        require(None, mine)
    assert caught.value is mine


@dataclasses.dataclass(frozen=True)
class Traced:
    trace: str
    tags: tuple[str, ...] = dataclasses.field(default_factory=tuple, kw_only=True)


@command
class TracedMove(Traced):
    source: StreamId[HTTPServerState] = stream()
    amount: int = 1

    def handle(self, streams, state):
        return ()


@dataclasses.dataclass(frozen=True)
class WithStream:
    amount: int
    source: StreamId[HTTPServerState] = stream()  # noqa: RUF009  # that is what is tried


@pytest.mark.parametrize("own", [{}, {"other": StreamId}])
def test_a_stream_field_of_a_dataclass_is_refused(own):
    """For the dataclass, and for type checkers, it is a field with a default. It was passed over: "a command needs at least one stream"."""
    body = {"handle": lambda self, streams, state: (), "__annotations__": own, **{name: stream(default=None) for name in own}}
    with pytest.raises(DefinitionError, match="source: it is a stream of the dataclass WithStream, .*declare it in the command itself"):
        command(type("Wrong", (WithStream,), body))


def test_a_stream_field_of_a_dataclass_may_be_declared_anew():
    @command
    class Right(WithStream):
        source: StreamId[HTTPServerState] = stream()

        def handle(self, streams, state):
            return ()

    assert Right(1, StreamId("a")).source == "a"


def test_a_command_inherits_the_fields_of_a_frozen_dataclass():
    made = TracedMove("t", StreamId("a"), 2, tags=("x",))

    assert (made.trace, made.source, made.amount, made.tags) == ("t", "a", 2, ("x",))
    assert made == TracedMove("t", StreamId("a"), 2, tags=("x",))
    assert made != TracedMove("u", StreamId("a"), 2, tags=("x",))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        made.trace = "other"
