"""What the founding chapter's own text demands, one test for each item; the number in a test's name is the item's.

The list is the acceptance list drawn from the chapter: 1 two streams or none, 2 four streams and four rules, 3 the read and the write phase, 4 the conflict of A and B,
5 discovery, 6 the real-world examples, 7 performance patterns, 8 and 9 the two integration tests, 10 common patterns, 11 the summary's claims.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

import pytest
from chapter.bank import Account, MoneyDeposited, MoneyWithdrawn, OpenAccount, TransferMoney
from chapter.checkout import Cart, CheckedOut, CheckoutCart, PaymentMethod, Product, Shopper
from chapter.ledger import Ledger, LedgerAccount, RecordTransaction
from chapter.orders import Customer, Inventory, Order, Payment, ProcessOrder
from chapter.patterns import (
    CountOrders,
    FraudDesk,
    FraudHistory,
    Member,
    PayOrder,
    ProcessedOrder,
    Rules,
    ScreenTransaction,
    Transaction,
)
from chapter.workflow import CompleteStep, Step, Workflow

from eventcore import (
    CommandExecutor,
    CommandRejected,
    ConflictMet,
    ExpectedVersion,
    InMemoryEventStore,
    Observation,
    Recorded,
    RetriesExhausted,
    RetryPolicy,
    SqliteEventStore,
    StreamId,
    StreamsDiscovered,
)
from eventcore.ids import new_event_id
from eventcore.store import AppendRequest, Committed, EventStore, NewEvent, ReadResult, StreamRead, Verdict
from eventcore.testing.forwarding import ForwardingStore

S = TypeVar("S")


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path) -> EventStore:
    return InMemoryEventStore() if request.param == "memory" else SqliteEventStore(tmp_path / "chapter.db")


class Recording(InMemoryEventStore):
    """The real memory store, remembering what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[list[StreamRead]] = []
        self.requests: list[AppendRequest] = []

    async def read(self, streams: Sequence[StreamRead], /, *, idempotency_key: str | None = None) -> ReadResult:
        self.reads.append(list(streams))
        return await super().read(streams, idempotency_key=idempotency_key)

    async def append(self, requests: Sequence[AppendRequest], /) -> Sequence[Verdict]:
        self.requests.extend(requests)
        return await super().append(requests)


async def seed(store: EventStore, stream_id: str, *events: tuple[str, bytes]) -> None:
    """Append facts that no command of the chapter makes."""
    new = [NewEvent(stream_id, new_event_id(), name, 1, data) for name, data in events]
    [verdict] = await store.append([AppendRequest({stream_id: ExpectedVersion.ANY}, new)])
    assert isinstance(verdict, Committed)


async def state(executor: CommandExecutor, stream_id: StreamId[S]) -> S:
    return (await executor.load(stream_id)).state


async def balance(executor: CommandExecutor, key: str) -> int:
    return (await executor.load(StreamId.of(Account, key))).state.balance


def account(key: str) -> StreamId[Account]:
    return StreamId.of(Account, key)


def test_1_a_transfer_writes_both_accounts_or_neither(store):
    async def main() -> None:
        async with store:
            executor = CommandExecutor(store)
            await executor.execute(OpenAccount(account("a"), 100))
            await executor.execute(OpenAccount(account("b"), 0))
            result = await executor.execute(TransferMoney(account("a"), account("b"), 60))
            with pytest.raises(CommandRejected, match="insufficient funds: 40 < 60"):
                await executor.execute(TransferMoney(account("a"), account("b"), 60))

            assert [recorded.event for recorded in result.events] == [MoneyWithdrawn(60), MoneyDeposited(60)]
            assert (await balance(executor, "a"), await balance(executor, "b")) == (40, 60)
            assert dict(result.versions) == {account("a"): 2, account("b"): 2}

    asyncio.run(main())


ORDER, INVENTORY, CUSTOMER, PAYMENT = (StreamId.of(cls, 1) for cls in (Order, Inventory, Customer, Payment))
ORDER_FACTS = {
    "Invalid order": (ORDER, ("OrderPlaced", b'{"total":30}')),
    "Insufficient stock": (INVENTORY, ("StockArrived", b'{"quantity":5}')),
    "Customer not authorized": (CUSTOMER, ("CustomerAuthorized", b"{}")),
    "Insufficient funds": (PAYMENT, ("FundsAdded", b'{"amount":30}')),
}


def test_2_an_order_is_processed_over_four_streams(store):
    async def main() -> None:
        async with store:
            for stream_id, fact in ORDER_FACTS.values():
                await seed(store, stream_id, fact)
            executor = CommandExecutor(store)
            result = await executor.execute(ProcessOrder(ORDER, INVENTORY, CUSTOMER, PAYMENT))

            assert Counter(recorded.stream_id for recorded in result.events) == dict.fromkeys((ORDER, INVENTORY, CUSTOMER, PAYMENT), 1)
            assert (await state(executor, ORDER)).is_confirmed
            assert (await state(executor, INVENTORY)).stock == 4
            assert (await state(executor, CUSTOMER)).spent == 30
            assert (await state(executor, PAYMENT)).funds == 0

    asyncio.run(main())


@pytest.mark.parametrize("rule", list(ORDER_FACTS))
def test_2_each_of_the_four_rules_rejects_and_writes_nothing(store, rule):
    async def main() -> None:
        async with store:
            for broken, (stream_id, fact) in ORDER_FACTS.items():
                if broken != rule:
                    await seed(store, stream_id, fact)
            before = len((await store.read_all()).events)
            with pytest.raises(CommandRejected) as rejected:
                await CommandExecutor(store).execute(ProcessOrder(ORDER, INVENTORY, CUSTOMER, PAYMENT))

            assert str(rejected.value) == rule
            assert len((await store.read_all()).events) == before

    asyncio.run(main())


def test_3_all_streams_are_read_at_once_and_each_is_written_at_exactly_the_version_read():
    async def main() -> None:
        store = Recording()
        executor = CommandExecutor(store)
        await executor.execute(OpenAccount(account("a"), 100))
        store.reads.clear()
        store.requests.clear()
        await executor.execute(TransferMoney(account("a"), account("b"), 1))

        assert [[read.stream_id for read in reads] for reads in store.reads] == [["account-a", "account-b"]]
        [request] = store.requests
        assert request.expected == {"account-a": ExpectedVersion.exact(1), "account-b": ExpectedVersion.NO_STREAM}
        assert [event.stream_id for event in request.events] == ["account-a", "account-b"]

    asyncio.run(main())


class Overtaken(InMemoryEventStore):
    """The real memory store; *overtake* runs once, between the next read and what follows it."""

    def __init__(self) -> None:
        super().__init__()
        self.overtake: AppendRequest | None = None
        self.conflicts = 0

    async def read(self, streams: Sequence[StreamRead], /, *, idempotency_key: str | None = None) -> ReadResult:
        result = await super().read(streams, idempotency_key=idempotency_key)
        if self.overtake is not None:
            request, self.overtake = self.overtake, None
            [verdict] = await super().append([request])
            assert isinstance(verdict, Committed)
        return result


def test_4_a_command_that_was_overtaken_conflicts_and_is_decided_again_on_the_news():
    async def main() -> None:
        store = Overtaken()
        await seed(store, ORDER, *[("OrderPlaced", b'{"total":1}')] * 5)
        await seed(store, INVENTORY, *[("StockArrived", b'{"quantity":1}')] * 10)
        await seed(store, CUSTOMER, ("CustomerAuthorized", b"{}"))
        await seed(store, PAYMENT, ("FundsAdded", b'{"amount":9}'))
        seen: list[Observation] = []
        executor = CommandExecutor(store, observer=seen.append)
        order, inventory = ExpectedVersion.exact(5), ExpectedVersion.exact(10)
        store.overtake = AppendRequest(
            {ORDER: order, INVENTORY: inventory},
            [
                NewEvent(ORDER, new_event_id(), "OrderPlaced", 1, b'{"total":3}'),
                NewEvent(INVENTORY, new_event_id(), "StockTaken", 1, b'{"quantity":9}'),
            ],
        )
        result = await executor.execute(ProcessOrder(ORDER, INVENTORY, CUSTOMER, PAYMENT))

        [conflict] = [observation for observation in seen if isinstance(observation, ConflictMet)]
        assert (conflict.stream_id, conflict.expected, conflict.actual) == (ORDER, 5, 6)
        assert result.attempts == 2
        assert (result.versions[ORDER], result.versions[INVENTORY]) == (7, 12)
        assert (await state(executor, PAYMENT)).funds == 6  # charged 3: decided on the order as A left it

    asyncio.run(main())


def test_4_what_the_news_forbids_is_rejected_on_the_second_attempt():
    async def main() -> None:
        store = Overtaken()
        await CommandExecutor(store).execute(OpenAccount(account("a"), 100))
        store.overtake = AppendRequest(
            {"account-a": ExpectedVersion.exact(1)}, [NewEvent("account-a", new_event_id(), "MoneyWithdrawn", 1, b'{"amount":90}')]
        )
        with pytest.raises(CommandRejected, match="insufficient funds: 10 < 50"):
            await CommandExecutor(store).execute(TransferMoney(account("a"), account("b"), 50))

    asyncio.run(main())


def test_5_streams_that_are_asked_for_are_read_and_the_command_runs_again():
    async def main() -> None:
        store = Recording()
        seen: list[Observation] = []
        for number in range(3):
            await seed(store, f"orders-{number}", ("OrderProcessed", b'{"total":%d}' % (10 + number)))
        store.requests.clear()
        result = await CommandExecutor(store, observer=seen.append).execute(CountOrders(StreamId("tally"), count=3))

        assert [len(reads) for reads in store.reads] == [1, 4]
        [round_] = [observation for observation in seen if isinstance(observation, StreamsDiscovered)]
        assert round_.streams == ("orders-0", "orders-1", "orders-2")
        [recorded] = result.events
        assert recorded.event.total == 33
        assert set(store.requests[0].expected) == {"tally", "orders-0", "orders-1", "orders-2"}

    asyncio.run(main())


CART, SHOPPER, METHOD = StreamId.of(Cart, 1), StreamId.of(Shopper, 1), StreamId.of(PaymentMethod, 1)


async def fill_cart(store: EventStore, **stock: int) -> None:
    await seed(store, CART, ("ItemAdded", b'{"product":"tea","quantity":2}'), ("ItemAdded", b'{"product":"cup","quantity":1}'))
    for product, quantity in stock.items():
        await seed(store, StreamId.of(Product, product), ("StockAdded", b'{"quantity":%d}' % quantity))


def test_6_checkout_discovers_its_products_and_reserves_all_of_them(store):
    async def main() -> None:
        async with store:
            await fill_cart(store, tea=2, cup=5)
            executor = CommandExecutor(store)
            result = await executor.execute(CheckoutCart(CART, SHOPPER, METHOD, "o-1"))

            assert (await state(executor, StreamId.of(Product, "tea"))).available_stock == 0
            assert (await state(executor, StreamId.of(Product, "cup"))).available_stock == 4
            assert (await state(executor, CART)).order_id == "o-1"
            assert result.events[0].event == CheckedOut("o-1")
            assert set(result.versions) == {CART, SHOPPER, METHOD, "product-tea", "product-cup"}

    asyncio.run(main())


def test_6_checkout_names_the_product_that_is_short_and_writes_nothing(store):
    async def main() -> None:
        async with store:
            await fill_cart(store, tea=1, cup=5)
            before = len((await store.read_all()).events)
            with pytest.raises(CommandRejected, match="^Insufficient stock for product tea$"):
                await CommandExecutor(store).execute(CheckoutCart(CART, SHOPPER, METHOD, "o-1"))

            assert len((await store.read_all()).events) == before

    asyncio.run(main())


def test_6_a_ledger_entry_is_recorded_in_three_streams_or_refused(store):
    async def main() -> None:
        async with store:
            executor = CommandExecutor(store)
            ledger, a, b = StreamId.of(Ledger, 1), StreamId.of(LedgerAccount, "a"), StreamId.of(LedgerAccount, "b")
            with pytest.raises(CommandRejected, match="^Debits must equal credits$"):
                await executor.execute(RecordTransaction(ledger, a, b, "r", 1, 2))
            await seed(store, a, ("Activated", b"{}"))
            with pytest.raises(CommandRejected, match="^Both accounts must be active$"):
                await executor.execute(RecordTransaction(ledger, a, b, "r", 5, 5))
            await seed(store, b, ("Activated", b"{}"))
            await executor.execute(RecordTransaction(ledger, a, b, "r", 5, 5))

            assert (await state(executor, ledger)).entries == 1
            assert ((await state(executor, a)).balance, (await state(executor, b)).balance) == (-5, 5)

    asyncio.run(main())


@pytest.mark.parametrize(("result", "activated"), [("approved", "ship"), ("rejected", None)])
def test_6_a_workflow_activates_its_next_step_only_where_there_is_one(store, result, activated):
    async def main() -> None:
        async with store:
            workflow, step = StreamId.of(Workflow, 1), StreamId.of(Step, "review")
            await seed(store, workflow, ("WorkflowPlanned", b'{"next_step":"ship","rejection_step":null}'))
            executor = CommandExecutor(store)
            done = await executor.execute(CompleteStep(workflow, step, result))

            assert (await state(executor, step)).status == "finished"
            assert (await state(executor, workflow)).completed == (step,)
            assert (await state(executor, StreamId.of(Step, "ship"))).status == ("active" if activated else "waiting")
            assert ("step-ship" in done.versions) == bool(activated)

    asyncio.run(main())


def test_7_more_streams_are_one_read_still_and_partitions_are_streams_like_others():
    async def main() -> None:
        store = Recording()
        for number in range(16):
            await seed(store, f"orders-{number}", ("OrderProcessed", b'{"total":1}'))
        [recorded] = (await CommandExecutor(store).execute(CountOrders(StreamId("tally"), count=16))).events

        assert recorded.event.total == 16
        assert [len(reads) for reads in store.reads] == [1, 17]

    asyncio.run(main())


def test_7_a_stream_is_loaded_lazily_only_where_the_decision_needs_it():
    async def main() -> None:
        store = Recording()
        executor = CommandExecutor(store)
        await executor.execute(ScreenTransaction(StreamId.of(Transaction, 1), StreamId.of(Rules, 1), 5))
        assert [len(reads) for reads in store.reads] == [2]
        await executor.execute(ScreenTransaction(StreamId.of(Transaction, 2), StreamId.of(Rules, 1), 500))
        assert [len(reads) for reads in store.reads] == [2, 2, 3]

    asyncio.run(main())


def test_7_a_read_may_be_limited_by_version_and_type_and_still_tells_the_heads_version(store):
    async def main() -> None:
        async with store:
            await seed(store, "orders", *[("OrderPlaced", b"{}"), ("OrderShipped", b"{}"), ("Noise", b"{}")] * 3)
            [piece] = (await store.read([StreamRead("orders", 4, frozenset({"OrderPlaced", "OrderShipped"}))])).slices

            assert [stored.version for stored in piece.events] == [5, 7, 8]
            assert piece.version == 9

    asyncio.run(main())


def test_8_multi_stream_atomicity(store):
    async def main() -> None:
        async with store:
            executor = CommandExecutor(store)
            await executor.execute(OpenAccount(account("account-1"), 1000))
            await executor.execute(OpenAccount(account("account-2"), 500))
            await executor.execute(TransferMoney(account("account-1"), account("account-2"), 300))
            first, second = await balance(executor, "account-1"), await balance(executor, "account-2")

            assert (first, second) == (700, 800)
            assert first + second == 1500

    asyncio.run(main())


def test_9_concurrent_transfers_in_a_cycle(store):
    async def main() -> None:
        async with store:
            executor = CommandExecutor(store)
            for key in "ABC":
                await executor.execute(OpenAccount(account(key), 1000))
            results = await asyncio.gather(*(executor.execute(TransferMoney(account(a), account(b), 100)) for a, b in ("AB", "BC", "CA")))

            assert len(results) == 3
            assert sum([await balance(executor, key) for key in "ABC"]) == 3000
            assert [await balance(executor, key) for key in "ABC"] == [1000, 1000, 1000]
            assert len((await store.read_all()).events) == 9

    asyncio.run(main())


class AtTheSameTime(ForwardingStore):
    """Its first appends, as many as *count*, wait for one another: all of them were decided before any is written."""

    def __init__(self, store: EventStore, count: int) -> None:
        super().__init__(store)
        self.left, self.barrier = count, asyncio.Barrier(count)

    async def append(self, requests: Sequence[AppendRequest], /) -> Sequence[Verdict]:
        if self.left:
            self.left -= 1
            await self.barrier.wait()
        return await super().append(requests)


def test_9_executors_that_do_not_know_of_each_other_succeed_with_retries(store):
    """One executor lets its own commands wait for each other; three are what three processes are."""

    async def main() -> None:
        async with store:
            for key in "ABC":
                await CommandExecutor(store).execute(OpenAccount(account(key), 1000))
            met = AtTheSameTime(store, 3)
            transfers = [TransferMoney(account(a), account(b), 100) for a, b in ("AB", "BC", "CA")]
            results = await asyncio.gather(*(CommandExecutor(met).execute(transfer) for transfer in transfers))

            assert sorted(result.attempts > 1 for result in results) == [False, True, True]
            assert [await balance(CommandExecutor(store), key) for key in "ABC"] == [1000, 1000, 1000]

    asyncio.run(main())


def test_10_read_only_streams_are_read_and_not_written_but_checked(store):
    async def main() -> None:
        async with store:
            await seed(store, StreamId.of(FraudHistory, "all"), ("FraudReported", b'{"score":20}'))
            executor = CommandExecutor(store)
            result = await executor.execute(ScreenTransaction(StreamId.of(Transaction, 1), StreamId.of(Rules, 1), 500))

            assert [recorded.stream_id for recorded in result.events] == ["transaction-1"]
            assert dict(result.versions) == {"transaction-1": 1, "rules-1": 0, "fraud_history-all": 1}

    asyncio.run(main())


@pytest.mark.parametrize(
    ("vip", "total", "written"), [(False, 10, ["order"]), (True, 10, ["order", "member"]), (True, 2000, ["order", "member", "desk"])]
)
def test_10_streams_are_written_where_the_rules_say_so(store, vip, total, written):
    async def main() -> None:
        async with store:
            ids = {"order": StreamId.of(ProcessedOrder, 1), "member": StreamId.of(Member, 1), "desk": StreamId.of(FraudDesk, 1)}
            if vip:
                await seed(store, ids["member"], ("BecameVip", b"{}"))
            result = await CommandExecutor(store).execute(PayOrder(ids["order"], ids["member"], ids["desk"], total))

            assert [recorded.stream_id for recorded in result.events] == [ids[name] for name in written]

    asyncio.run(main())


def test_11_conflicts_are_observed_and_retries_are_bounded():
    """Dynamic boundaries, atomicity, retries and discovery are items 1 to 10, the types are proven in tests/typing; what is left is watching and giving up."""

    class AlwaysOvertaken(InMemoryEventStore):
        async def append(self, requests: Sequence[AppendRequest], /) -> Sequence[Verdict]:
            event = NewEvent("account-a", new_event_id(), "MoneyDeposited", 1, b'{"amount":1}')
            await super().append([AppendRequest({"account-a": ExpectedVersion.ANY}, [event])])
            return await super().append(requests)

    async def main() -> None:
        seen: list[Observation] = []
        executor = CommandExecutor(AlwaysOvertaken(), retry=RetryPolicy(max_attempts=3, initial_delay=0), observer=seen.append)
        with pytest.raises(RetriesExhausted) as exhausted:
            await executor.execute(OpenAccount(account("a"), 1))
        error = exhausted.value

        assert (error.attempts, error.stream_id, error.expected, error.actual) == (3, "account-a", 2, 3)
        assert [type(recorded) for recorded in error.events] == [Recorded]
        assert [observation.attempt for observation in seen if isinstance(observation, ConflictMet)] == [1, 2, 3]

    asyncio.run(main())
