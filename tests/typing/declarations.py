"""Every row of the table of declarations: what the constructor takes, and what `handle` sees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import assert_type

from bank.accounts import Account, AccountEvent, Deposited, Opened, Withdrawn
from bank.transfer import TransferMoney
from bank.transfer_streams import TransferMoneyState, TransferMoneyStreams, TransferMoneyWrites
from ledger import Balances, Close, Enter, Entered, LedgerEvent, Sweep
from ledger_streams import CloseResolver, CloseStreams, EnterStreams, EnterWrites, SweepResolver, SweepStreams, SweepWrites
from payroll import Employee, Hired, Paid, Pay, Rate
from payroll_streams import PayState, PayStreams
from purchases import Basket, Bought, Buy, LoyaltyCard, PointsEarned, Voucher
from purchases_streams import BuyState, BuyStreams
from reading import Note, Summarise
from reading_streams import SummariseResolver, SummariseState, SummariseStreams
from shop.checkout import Cart, CartEvent, CheckedOut, CheckoutCart, ItemAdded
from shop.checkout_streams import CheckoutCartResolver, CheckoutCartState, CheckoutCartStreams
from shop.customers import Customer
from shop.products import Product, ProductEvent, Stocked, StockReserved

from eventcore import Discovered, Recorded, StreamId, StreamSet, StreamWrite
from eventcore.typed import Discovery, ReadOnlyStream, ReadOnlyStreams, WritableStream, WritableStreams


def one_stream(streams: TransferMoneyStreams, state: TransferMoneyState, account: StreamId[Account], command: TransferMoney) -> None:
    """row: a: StreamId[S] = stream()"""
    TransferMoney(account, account, 5)
    TransferMoney(source=account, target=account, amount=5)
    TransferMoney(account, account)  # E: a field is missing
    TransferMoney(account, account, "5")  # E: plain data of another type
    TransferMoney("account-1", account, 5)  # E: text is no stream
    TransferMoney(account, None, 5)  # E: this stream is not optional
    assert_type(command.source, StreamId[Account])
    assert_type(command.amount, int)
    command.amount = 6  # E: commands are frozen
    assert_type(streams.source, WritableStream[TransferMoneyStreams, AccountEvent])
    assert_type(streams.source.id, StreamId[object])
    assert_type(streams.source.version, int)
    assert_type(state.source, Account)
    assert_type(streams.source.write(Deposited(1)).event, Opened | Withdrawn | Deposited)
    streams.source.write(1)  # E: no event at all
    streams.source.write(Withdrawn)  # E: the class of an event
    streams.source.write()  # E: nothing
    streams.source.write(Withdrawn("1"))  # E: an event made with another type
    state.source = Account()  # E: the state of a command is frozen
    state.source.balance = 1  # E: states are frozen
    streams.source.version = 3  # E: a version is read, not set


def read_only(streams: CheckoutCartStreams, state: CheckoutCartState, cart: StreamId[Cart], customer: StreamId[Customer]) -> None:
    """row: a: StreamId[S] = stream(read_only=True)"""
    CheckoutCart(cart, customer, "o-1")
    CheckoutCart(customer, cart, "o-1")  # E: swapped
    assert_type(streams.customer, ReadOnlyStream)
    assert_type(streams.customer.version, int)
    assert_type(state.customer, Customer)
    streams.customer.write(1)  # E: a read-only stream has no write


def optional(
    streams: BuyStreams, state: BuyState, basket: StreamId[Basket], card: StreamId[LoyaltyCard], voucher: StreamId[Voucher]
) -> None:
    """row: a: StreamId[S] | None = stream()"""
    Buy(basket, 1)
    Buy(basket, 1, None, None)
    Buy(basket, 1, card, voucher)
    Buy(basket, 1, voucher=voucher)
    Buy(basket, 1, voucher)  # E: another state's stream
    assert_type(streams.card, WritableStream[BuyStreams, PointsEarned] | None)
    assert_type(streams.voucher, ReadOnlyStream | None)
    assert_type(state.card, LoyaltyCard | None)
    assert_type(state.basket, Basket)
    streams.card.write(PointsEarned(1))  # E: perhaps it is not there
    state.card.points  # E: perhaps it is not there
    if streams.card is not None:
        streams.card.write(PointsEarned(1))
        streams.card.write(Bought(1))  # E: another stream's event


def several(streams: PayStreams, state: PayState, employee: StreamId[Employee], rate: StreamId[Rate], command: Pay) -> None:
    """row: a: tuple[StreamId[S], ...] = stream()
    row: a: tuple[StreamId[S], ...] = stream(read_only=True)"""
    Pay((), ())
    Pay((employee,), (rate, rate))
    Pay((employee, rate), ())  # E: a stream of another state among them
    Pay([employee], ())  # E: a list is no tuple
    Pay(employee, ())  # E: one stream is no tuple of streams
    assert_type(command.employees, tuple[StreamId[Employee], ...])
    assert_type(streams.employees, WritableStreams[PayStreams, Employee, Hired | Paid])
    assert_type(streams.rates, ReadOnlyStreams[Rate])
    assert_type(streams.employees[employee], WritableStream[PayStreams, Hired | Paid])
    assert_type(streams.rates[rate], ReadOnlyStream)
    assert_type(state.employees, Mapping[StreamId[Employee], Employee])
    assert_type(state.rates[rate], Rate)
    assert_type([*streams.employees], list[StreamId[Employee]])
    streams.employees[employee].write(Paid(1))
    streams.rates[rate].write(Paid(1))  # E: read-only
    streams.employees[rate]  # E: another state's stream
    streams.rates[employee]  # E: another state's stream
    state.rates[employee]  # E: another state's stream
    streams.employees.write(Paid(1))  # E: which of them?
    state.rates[rate] = Rate()  # E: a mapping cannot be changed


def found(
    streams: CheckoutCartStreams,
    state: CheckoutCartState,
    resolver: CheckoutCartResolver,
    product: StreamId[Product],
    cart: StreamId[Cart],
    command: CheckoutCart,
) -> None:
    """row: a: Discovered[S] = discovered()"""
    CheckoutCart(cart, StreamId.of(Customer, 1), (product,), "o-1")  # E: discovered streams are no argument
    assert_type(command.products, Discovered[Product])
    assert_type(resolver.products, Discovery[Product])
    assert_type(streams.products, WritableStreams[CheckoutCartStreams, Product, ProductEvent])
    assert_type(streams.products[product].write(Stocked(1)).event, Stocked | StockReserved)
    assert_type(state.products, Mapping[StreamId[Product], Product])
    resolver.products.add(product)
    resolver.products.add([product])
    resolver.products.add({product: 1})
    resolver.products.add(product for _ in range(3))
    resolver.add_streams([product])
    resolver.products.add(cart)  # E: another state's stream
    resolver.products.add([cart])  # E: another state's streams
    resolver.products.add("product-1")  # E: text is no stream
    resolver.cart.add(cart)  # E: cart is not discovered


def found_read_only(
    streams: SummariseStreams, state: SummariseState, resolver: SummariseResolver, note: StreamId[Note], command: Summarise
) -> None:
    """row: a: Discovered[S] = discovered(read_only=True)"""
    assert_type(command.notes, Discovered[Note])
    assert_type(resolver.notes, Discovery[Note])
    assert_type(streams.notes, ReadOnlyStreams[Note])
    assert_type(streams.notes[note], ReadOnlyStream)
    assert_type(state.notes[note], Note)
    streams.notes[note].write(1)  # E: read-only


def folded_by_the_command(streams: EnterStreams, book: StreamId, command: Enter) -> EnterWrites:
    """row: a: StreamId = stream(events=E)"""
    Enter(book, book, book, 1)
    Enter(book, StreamId("b"), amount=1)
    Enter("a", book)  # E: text is no stream
    assert_type(command.debit, StreamId)
    assert_type(streams.debit, WritableStream[EnterStreams, Entered])
    assert_type(streams.check, ReadOnlyStream | None)
    assert_type(command.initial(), Balances)
    streams.debit.write(CheckedOut("x"))  # E: not one of events=
    return [StreamWrite(streams, book, Entered(1))]


def several_folded_by_the_command(
    streams: SweepStreams, resolver: SweepResolver, book: StreamId, cart: StreamId[Cart], command: Sweep
) -> SweepWrites:
    """row: a: tuple[StreamId, ...] = stream(events=E)
    row: a: Discovered = discovered(events=E)"""
    Sweep((book, cart), "x")
    assert_type(command.given, tuple[StreamId, ...])
    assert_type(streams.given, WritableStreams[SweepStreams, object, Entered])
    assert_type(streams.found, WritableStreams[SweepStreams, object, LedgerEvent])
    assert_type(streams.found[cart], WritableStream[SweepStreams, LedgerEvent])
    resolver.found.add(book)
    resolver.found.add([book, cart])
    streams.given[book].write(CheckedOut("x"))  # E: not one of events=
    yield streams.given[book].write(Entered(1))
    yield 1  # E, but not in ty: no write


def found_by_the_chapters_form(streams: CloseStreams, resolver: CloseResolver, book: StreamId) -> None:
    """row: a: Discovered = discovered(events=E, read_only=True)"""
    resolver.add_streams([book])
    resolver.add_streams(["book"])  # E: text is no stream
    assert_type(streams.entries, ReadOnlyStreams)
    assert_type(streams.entries[book], ReadOnlyStream)
    streams.entries[book].write(Entered(1))  # E: read-only


def apply_of_a_command(command: Close, balances: Balances, recorded: Recorded[LedgerEvent], other: Recorded[CartEvent]) -> None:
    """row: initial and apply of a command that folds by itself"""
    assert_type(command.apply(balances, recorded), Balances)
    command.apply(balances, other)  # E: events of other streams


def writes(streams: TransferMoneyStreams, others: CheckoutCartStreams) -> TransferMoneyWrites:
    """row: <Command>Writes"""
    every: Iterable[StreamWrite[StreamSet, object]] = [streams.source.write(Deposited(1)), others.cart.write(ItemAdded("x", 1))]
    assert_type([streams.source.write(Deposited(1))], list[StreamWrite[TransferMoneyStreams, AccountEvent]])
    if every:
        return every  # E: writes of anybody
    return ()
