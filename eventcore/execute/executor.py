"""Execute commands: read, fold, handle, validate, append; again on a conflict.

The promise: what `execute` returns or raises was decided on data that was current together, at one moment. A commit proves that by its
version check. For every other outcome, the run must have seen one whole snapshot: one read covers all streams of the command; a discovery
reads what is new in the streams known before along with the new ones; and a conflict brings news of all streams of its request, taken under
the lock that refused it. A run on cached states has seen no snapshot: its outcome is confirmed by a read of what is new, and if there is
anything, `handle` runs again. One that rests on events of other commands that are still on their way (`chains.py`) waits for those first.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Iterable, Sequence
from typing import Final, Never, Protocol, TypeVar, assert_never, cast, final, overload

from eventcore.arguments import Arguments
from eventcore.codec import EventCodec
from eventcore.errors import (
    DiscoveryLimitExceeded,
    EventDataError,
    HistoryChanged,
    IdempotencyKeyReused,
    InvalidArgument,
    InvalidIdempotencyKey,
    NotACommand,
    RetriesExhausted,
)
from eventcore.events import Metadata, Recorded
from eventcore.execute.binding import Binder, CommandPlan
from eventcore.execute.chains import Chains
from eventcore.execute.folding import Foreseeing, StateCache, StreamKey, Views
from eventcore.execute.observe import (
    AttemptStarted,
    BatchCommitted,
    CommandCompleted,
    CommandFailed,
    ConflictMet,
    Observation,
    Observer,
    StreamsDiscovered,
)
from eventcore.execute.results import CommandResult, Loaded, Nothing, Replayed, written
from eventcore.execute.retry import DEFAULT_RETRY, RetryPolicy
from eventcore.execute.run import PLAIN, Run, given_streams
from eventcore.execute.snapshots import SavesSnapshots, Snapshots
from eventcore.execute.trains import Again, Outcome
from eventcore.execute.trust import Trust
from eventcore.ids import EventIdSource, StreamId, is_stream_id, state_of
from eventcore.store import (
    AlreadyDone,
    AppendRequest,
    Committed,
    Conflict,
    ExpectedVersion,
    History,
    IdempotencyKey,
    KeyReused,
    Refused,
    StoredEvent,
    StreamStore,
    TellsHistory,
    is_store,
    make_request,
    new_event,
)
from eventcore.typed import StreamResolver, StreamSet, StreamWrite, ValidWrite

S = TypeVar("S")
E = TypeVar("E")
E_co = TypeVar("E_co", covariant=True)
StreamsT = TypeVar("StreamsT", bound=StreamSet)
StreamsT_contra = TypeVar("StreamsT_contra", bound=StreamSet, contravariant=True)
ResolverT = TypeVar("ResolverT", bound=StreamResolver)
ResolverT_contra = TypeVar("ResolverT_contra", bound=StreamResolver, contravariant=True)

_log: Final = logging.getLogger("eventcore")


class PlainCommand(Protocol[StreamsT_contra, E_co]):
    """A command whose `handle` takes its streams and their state. (`Never` admits every type of state.)"""

    def handle(
        self, streams: StreamsT_contra, state: Never, /
    ) -> Iterable[StreamWrite[StreamSet, E_co]] | Awaitable[Iterable[StreamWrite[StreamSet, E_co]]]: ...


class DiscoveringCommand(Protocol[StreamsT_contra, ResolverT_contra, E_co]):
    """A command whose `handle` takes a resolver too."""

    def handle(
        self, streams: StreamsT_contra, state: Never, resolver: ResolverT_contra, /
    ) -> Iterable[StreamWrite[StreamSet, E_co]] | Awaitable[Iterable[StreamWrite[StreamSet, E_co]]]: ...


@final
class CommandExecutor:
    """Executes commands on a store.

    Make one for each store and share it: it keeps what it learned about command classes and holds no connection of its own.
    *retry* says what happens on conflicts. *max_discoveries* bounds the rounds in which one attempt may ask for new streams. *observer* is told what
    happens (`eventcore.execute.observe`). *codec* turns events into JSON; give one with a cattrs converter of your own for types of your own.
    *cache_size* is the number of stream states that are kept between commands (0: none): a command whose streams are all among them needs no read.
    (A few that came last are kept all the same, for commands that were reading meanwhile.)
    *chaining* decides commands of this executor that meet on a stream one on top of the other, and commits them together; without it they wait
    for each other. *snapshots* loads and saves the states that ask for it (``@state(snapshot_every=...)``). None of the three changes what a
    command comes to.
    """

    def __init__(
        self,
        store: StreamStore,
        *,
        retry: RetryPolicy = DEFAULT_RETRY,
        max_discoveries: int = 10,
        observer: Observer | None = None,
        codec: EventCodec | None = None,
        cache_size: int = 10_000,
        chaining: bool = True,
        snapshots: bool = True,
    ) -> None:
        given = Arguments("CommandExecutor")
        shown = store if isinstance(store, type) else type(store)  # not what may hold a password
        given.check(is_store(store), "store", shown, "an event store, such as SqliteEventStore(path)")
        given.instances(RetryPolicy, retry=retry)
        given.whole(1, max_discoveries=max_discoveries)
        given.whole(0, cache_size=cache_size)
        given.instances(EventCodec | None, codec=codec)
        given.flags(chaining=chaining, snapshots=snapshots)
        if observer is not None:
            given.callables(observer=observer)
            expected = "a plain function, for nobody awaits what an `async def` returns"
            given.check(not _is_async(observer), "observer", observer, expected)
        self.store: Final = store
        self.retry: Final = retry
        self.max_discoveries: Final = max_discoveries
        self.codec: Final = codec or EventCodec()
        self.trust: Final = Trust()
        self.event_ids: Final = EventIdSource()
        self.observer: Final = observer
        self._binder = Binder(self.codec)
        self.history: Final = store.history if isinstance(store, TellsHistory) else History()
        self._cache_size = cache_size
        self._chaining = chaining
        self._saves = store if snapshots and isinstance(store, SavesSnapshots) else None
        self._begin_history()

    def _begin_history(self) -> None:
        """Begin to know anew: what was learned, and what is on its way, is of another history."""
        self.cache = StateCache(self._cache_size)
        self.snapshots = Snapshots(self._saves, self.history)
        self.chains = Chains(self.store, self.history, self.cache, self.snapshots, enabled=self._chaining)

    def catch_up(self) -> None:
        """See that what is known is of the store's history as it is now."""
        if self.chains.history is not self.history.now:
            self._begin_history()

    @overload
    async def execute(
        self, command: PlainCommand[StreamsT, E], /, *, metadata: Metadata | None = None, idempotency_key: str | None = None
    ) -> CommandResult[E]: ...
    @overload
    async def execute(
        self,
        command: DiscoveringCommand[StreamsT, ResolverT, E],
        /,
        *,
        metadata: Metadata | None = None,
        idempotency_key: str | None = None,
    ) -> CommandResult[E]: ...
    async def execute(
        self, command: object, /, *, metadata: Metadata | None = None, idempotency_key: str | None = None
    ) -> CommandResult[object]:
        """Run *command* until it is committed, or has nothing to write, or fails; return what it did.

        *metadata* (JSON) goes onto every event. Under an *idempotency_key* (1 to 255 characters) the committed outcome is remembered by the
        store: the same command with the same key returns it again without running.

        Raises whatever `handle` raises, unchanged (`CommandRejected` among them); `InvalidWrite` and its kin; `RetriesExhausted`; `EventDataError`;
        `GeneratedCodeError`; `StoreError`; `OutcomeUnknown`. In every case but the last nothing was written.
        """
        try:
            plan = self._binder.plan(type(command))
        except NotACommand:
            raise NotACommand(command) from None
        key = None if idempotency_key is None else self._key(idempotency_key, plan, command)
        encoded = b"{}" if metadata is None else self.codec.encode_metadata(metadata)
        self.catch_up()
        execution = _Execution(self, plan, command, encoded, key)
        if self.observer is None:
            return await execution.run()
        return await self._observed(execution, command)

    async def _observed(self, execution: _Execution, command: object) -> CommandResult[object]:
        try:
            result = await execution.run()
        except BaseException as error:
            self.tell(CommandFailed, command, execution.attempt, error, execution.age())
            raise
        self.tell(CommandCompleted, command, result.attempts, len(result.events), execution.age())
        return result

    @overload
    async def load(self, stream_id: StreamId[S], /) -> Loaded[S]: ...
    @overload
    async def load(self, stream_id: StreamId[object], state: type[S], /) -> Loaded[S]: ...
    async def load(self, stream_id: StreamId[S], state: type[S] | None = None, /) -> Loaded[S]:
        """Return the state of one stream, outside any command. For showing, not for deciding: nothing checks later that it still holds.

        The id has to know its state (`StreamId.of`, ``StreamId[State](text)``), or *state* is given.
        """
        given = Arguments("load")
        given.check(is_stream_id(stream_id), "stream_id", stream_id, "a StreamId, such as StreamId.of(<State>, key)")
        given.instances(type | None, state=state)
        cls = state or state_of(stream_id)
        if cls is None:
            raise InvalidArgument(
                f"{stream_id!r} does not know what it folds into; make it with StreamId.of(<State>, key), or call load(stream_id, <State>)"
            )
        key = (stream_id, self._binder.fold(cls))
        while True:
            self.catch_up()
            of, views = self.chains.history, Views(self.cache, self.snapshots.enabled)
            while not views.absorb((await self.store.read(views.reads([key]))).slices):
                pass
            if of is self.history.now:
                break
        known = views.known[key]
        state_now: S = known.state  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
        return Loaded(stream_id=stream_id, state=state_now, version=known.version, position=known.position)

    async def save_snapshots(self) -> None:
        """Wait until the snapshots that are due have been saved. For programs that end soon; others need not care."""
        await self.snapshots.saved()

    def tell(self, observation: type[Observation], *facts: object) -> None:
        """Tell the observer, if there is one."""
        if self.observer is not None:
            try:
                self.observer(observation(*facts))  # type: ignore[arg-type]
            except Exception:  # noqa: BLE001  # whatever an observer does wrong, the command goes on
                _log.exception("the observer of commands failed on %s", observation.__name__)

    def _key(self, key: str, plan: CommandPlan, command: object) -> IdempotencyKey:
        if not isinstance(cast("object", key), str):
            raise InvalidIdempotencyKey(f"{key!r} ({type(key).__name__}) is no idempotency key; use text, str(...) of it for example")
        if not 1 <= len(key) <= 255 or not key.isprintable():
            raise InvalidIdempotencyKey(f"{key[:40]!r} is no idempotency key; use 1 to 255 printable characters")
        return IdempotencyKey(key, self.codec.fingerprint(command, plan.module))


# A command whose chain fell so often, for whatever reason, goes on by itself.
_MOST_FALLS: Final = 8


class _Fallen(Exception):  # it says what happened, and reaches nobody
    """What a run rests on was not committed: it is decided again."""


class _Remembered(Exception):  # it says what happened, and reaches nobody
    """The idempotency key turned out to be used: the outcome is *events*, which were committed then."""

    def __init__(self, events: Sequence[StoredEvent]) -> None:
        super().__init__()
        self.events = events


@final
class _Execution:
    """One call of `execute`."""

    __slots__ = ("_alone", "_chains", "_command", "_confirmed", "_declared", "_executor", "_falls", "_given", "_key", "_metadata", "_plan",
                 "_started", "_views", "attempt")  # fmt: skip

    def __init__(self, executor: CommandExecutor, plan: CommandPlan, command: object, metadata: bytes, key: IdempotencyKey | None) -> None:
        self.attempt = 1
        self._executor = executor
        self._plan = plan
        self._command = command
        self._metadata = metadata
        self._key = key
        self._given = given_streams(plan, command)
        self._declared = self._given[0]
        self._views = Views(executor.cache, executor.snapshots.enabled)
        self._confirmed = False
        self._chains = executor.chains
        # Fallen with others so often that the command takes its chance by itself.
        self._falls = 0
        self._alone = False
        # Who neither watches nor is in a hurry does not look at the clock.
        self._started = _now() if executor.observer is not None or executor.retry.deadline is not None else 0.0

    def age(self) -> float:
        """Return the seconds since `execute` was called."""
        return _now() - self._started

    def _forget(self) -> None:
        """Know nothing any more but what is kept, of the store's history as it is now."""
        executor = self._executor
        executor.catch_up()
        self._chains = executor.chains
        self._views = Views(executor.cache, executor.snapshots.enabled)
        self._confirmed = False

    async def run(self) -> CommandResult[object]:
        """Return the outcome, be it a new one or what was committed under the key before."""
        try:
            # A command whose streams are all known reads nothing, unless there is a key to be looked up.
            if self._executor.trust.shaken:
                await self._chains.quiet()
            trusting = self._key is None and self._executor.trust.worth_it()
            if not (trusting and self._views.adopt(self._declared, self._chains.foreseeing())):
                await self._begin(trusting=trusting)
            if self._executor.observer is not None:
                self._executor.tell(AttemptStarted, self._command, self.attempt)
            return await self._outcome()
        except _Remembered as before:
            return self._replay(before.events)

    async def _outcome(self) -> CommandResult[object]:
        """Decide and append until there is an outcome."""
        while True:
            try:
                keys, writes, request = await self._decide()
            except _Fallen:
                await self._begin_again()
                continue
            if request is None:
                return self._nothing(keys)
            try:
                verdict: Outcome = await self._chains.append(self._views, keys, writes, request, alone=self._alone)
            except HistoryChanged:
                verdict = Again.TOGETHER
            if type(verdict) is Committed:
                return self._committed(writes, request, verdict)
            match verdict:
                case Again():
                    self._alone |= verdict is Again.ALONE
                    await self._begin_again()
                case Conflict():
                    await self._conflicted(keys, verdict)
                    self._executor.tell(AttemptStarted, self._command, self.attempt)
                case AlreadyDone(events):
                    return self._replay(events)
                case KeyReused(key):
                    raise IdempotencyKeyReused(key, self._plan.name)
                case Refused(HistoryChanged()):
                    await self._begin_again()
                case Refused(error):
                    raise error
                case _:
                    assert_never(verdict)

    async def _begin(self, *, trusting: bool) -> None:
        """Come to know the declared streams, be it from what is kept where that is trusted."""
        chains, declared = self._chains, self._declared
        if chains.hinders(declared, alone=self._alone):
            await chains.clear(declared, alone=self._alone)
        if not (trusting and self._views.adopt(declared, self._foreseeing())):
            self._views.begin(declared)
            kept = [self._views.known[key].version for key in declared]
            await self._read(())
            if not trusting and self._key is None:
                self._executor.trust.compare(kept, [self._views.known[key].version for key in declared])
            await self._wait_in_line(declared)

    async def _begin_again(self) -> None:
        """Forget all that rested on what others did not get committed."""
        self._falls += 1
        self._alone |= self._falls >= _MOST_FALLS
        self._forget()
        chains, declared = self._chains, self._declared
        if chains.hinders(declared, alone=self._alone):
            await chains.clear(declared, alone=self._alone)
        if not self._views.adopt(declared, self._foreseeing()):
            await self._refresh(declared)
            await self._wait_in_line(declared)

    def _foreseeing(self) -> Foreseeing | None:
        return None if self._alone else self._chains.foreseeing()

    async def _read(self, more: Iterable[StreamKey]) -> None:
        """Read what is new, and all of *more*. Raises `_Remembered` where something was committed under the key.

        The key is looked up in every read: another call with it may have been committed since the last one, and what is decided on
        that call's own events would be told in place of its outcome.
        """
        key = self._key
        while True:
            found = await self._executor.store.read(self._views.reads(more), idempotency_key=None if key is None else key.key)
            if self._chains.history is not self._executor.history.now:
                # It is of another history than what was known before.
                more = [*self._views.known, *more]
                self._forget()
                continue
            if key is not None and found.remembered is not None:
                if found.remembered.fingerprint != key.fingerprint:
                    raise IdempotencyKeyReused(key.key, self._plan.name)
                raise _Remembered(found.remembered.events)
            if self._views.absorb(found.slices):
                self._confirmed = True
                return

    async def _decide(self) -> tuple[Sequence[StreamKey], Sequence[ValidWrite], AppendRequest | None]:
        """Return the streams of the deciding run, what it wants written, and the request for that; None where it wants nothing.

        Any outcome but a request is confirmed here, or decided again.
        """
        while True:
            try:
                keys, writes = await self._run_with_discoveries()
                if writes:
                    return keys, writes, self._request(keys, writes)
            except (_Fallen, _Remembered, asyncio.CancelledError, KeyboardInterrupt, SystemExit, GeneratorExit):
                raise
            except BaseException:
                if await self._was_current():
                    raise
            else:
                if await self._was_current():
                    return keys, (), None
            self._forget_found()

    async def _was_current(self) -> bool:
        """Tell whether what the last run rested on was current at one moment. If it was not, the next run has the news."""
        if self._confirmed:
            return True
        views, before = self._views, self._views.versions()
        await self._refresh()
        return views is self._views and before == views.versions()

    async def _run_with_discoveries(self) -> tuple[Sequence[StreamKey], Sequence[ValidWrite]]:
        """Run `handle` until it asks for nothing unread; return the streams of that run and what it wants written."""
        rounds: list[list[str]] = []
        while True:
            run = Run(self._plan, self._command, self._given, self._views)
            try:
                streams, returned = run.handle()
                writes = run.checked(streams, returned) if type(returned) in PLAIN else await run.settled(streams, returned)
            except (asyncio.CancelledError, KeyboardInterrupt, SystemExit, GeneratorExit):
                raise
            except BaseException as error:
                # What a run did without having read all that it asked for does not count, an error no more than a write.
                # (Task groups wrap `StreamsNeeded`, so it is not looked for by its class.)
                if not run.unread:
                    if isinstance(error, AttributeError) and (misuse := run.misuse(error)):
                        raise misuse.with_traceback(error.__traceback__) from None
                    raise
                writes = []
            if not run.unread:
                return run.keys(), writes
            rounds.append([stream_id for stream_id, _ in run.unread])
            if len(rounds) > self._executor.max_discoveries:
                raise DiscoveryLimitExceeded(self._plan.name, self._executor.max_discoveries, rounds)
            asked = tuple(rounds[-1])
            self._executor.tell(StreamsDiscovered, self._command, self.attempt, len(rounds), asked)
            await self._refresh(run.unread)

    async def _refresh(self, more: Iterable[StreamKey] = ()) -> None:
        """Read what is new, and all of *more*. Raises `_Fallen` where the views rest on events that were not committed."""
        views = self._views
        if views.foreseen:
            for link in views.links():
                await link.arrival()
                if not link.committed:
                    raise _Fallen
            views.rest_on_the_store()
        await self._read(more)

    def _request(self, keys: Sequence[StreamKey], writes: Sequence[ValidWrite]) -> AppendRequest:
        encode, metadata, exact, known = self._executor.codec.encode, self._metadata, ExpectedVersion.exact, self._views.known
        expected: dict[str, ExpectedVersion] = {key[0]: exact(known[key].version) for key in keys}
        if len(expected) < len(keys):
            # A stream that folds in two ways may be kept at two versions: the decision rests on the older one.
            for key in keys:
                if known[key].version < (expected[key[0]].version or 0):
                    expected[key[0]] = exact(known[key].version)
        ids = iter(self._executor.event_ids.draw(len(writes)))
        events = [
            new_event(stream_id, next(ids), name, version, encode(event), metadata) for stream_id, (name, version, _), event in writes
        ]
        return make_request(expected, events, self._key)

    async def _conflicted(self, keys: Sequence[StreamKey], conflict: Conflict) -> None:
        """Take in the news, and wait as the policy says; or give up."""
        if not self._confirmed:
            self._executor.trust.outdated()
        policy, told = self._executor.retry, (self._command, self.attempt, conflict.stream_id, conflict.expected, conflict.actual)
        delay = policy.delay(self.attempt)
        too_late = policy.deadline is not None and self.age() + delay > policy.deadline
        if self.attempt >= policy.max_attempts or too_late:
            self._executor.tell(ConflictMet, *told, None)
            raise self._exhausted(conflict)
        self._executor.tell(ConflictMet, *told, delay)
        # The news covers the streams of this request; whatever else was read in earlier rounds is of an older moment.
        self._views.forget(keys)
        self._views.rest_on_the_store()
        self._views.absorb(conflict.news.values())
        self._forget_found()
        self._confirmed = True
        self.attempt += 1
        trust = self._executor.trust
        if delay > 0:
            await asyncio.sleep(delay)
        if trust.shaken:
            await self._chains.quiet()
        if delay > 0 or not trust.worth_it():
            await self._refresh()
        await self._wait_in_line(self._declared if self._plan.marker.folds_itself else keys)

    def _forget_found(self) -> None:
        """Let the next run ask again for what this one has found, where the command folds by itself: it folds all streams that are known."""
        if self._plan.marker.folds_itself:
            self._views.forget(self._declared)

    async def _wait_in_line(self, keys: Sequence[StreamKey]) -> None:
        """Let commands of this executor that are on their way to the streams go before, and take what they make of them."""
        if self._chains.hinders(keys, alone=self._alone):
            await self._chains.clear(keys, alone=self._alone)
        if self._views.renew(keys, self._foreseeing()):
            self._confirmed = False

    def _exhausted(self, conflict: Conflict) -> RetriesExhausted:
        between = conflict.news.get(conflict.stream_id)
        return RetriesExhausted(
            self._plan.name,
            self.attempt,
            conflict.stream_id,
            conflict.expected,
            conflict.actual,
            self._readable(between.events if between else ()),
        )

    def _readable(self, events: Iterable[StoredEvent]) -> list[Recorded[object]]:
        recorded: list[Recorded[object]] = []
        for stored in events:
            try:
                recorded.append(self._plan.reader.recorded(stored))
            except EventDataError as error:
                _log.warning("an event of the conflict cannot be shown: %s", error)
        return recorded

    def _nothing(self, keys: Sequence[StreamKey]) -> CommandResult[object]:
        versions = {key[0]: self._views.known[key].version for key in keys}
        return CommandResult(Nothing(versions), self._views.newest(keys), self.attempt)

    def _committed(self, writes: Sequence[ValidWrite], request: AppendRequest, verdict: Committed) -> CommandResult[object]:
        executor, events = self._executor, verdict.events
        if not self._confirmed:
            executor.trust.current()
        if executor.observer is not None:
            executor.tell(BatchCommitted, self._command, verdict.batch)
        return CommandResult(written(executor.codec, self._metadata, writes, request, events), events[-1].position, self.attempt)

    def _replay(self, events: Sequence[StoredEvent]) -> CommandResult[object]:
        recorded = tuple(self._plan.reader.recorded(stored) for stored in events)
        return CommandResult(Replayed(recorded), recorded[-1].position if recorded else None, self.attempt, replayed=True)


def _now() -> float:
    return asyncio.get_running_loop().time()  # in tests time may be the loop's own


def _is_async(function: object) -> bool:
    """Tell whether *function* is an `async def`, or an object whose ``__call__`` is one."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004
