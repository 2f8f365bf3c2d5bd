"""What the type checkers are said to know, row by row, and where it is proven.

A function or class of a proof names its rows in its docstring, as ``row: ...``. Every row has something that passes and something that is refused; what
is no matter of types names the test that holds it instead.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator, Mapping

import attrs
import pytest

from eventcore.typed import GeneratedModule, StreamSpec
from tests.golden.harness import CHECKOUT, generate
from tests.typing.checking import MARK, PROJECT, PROOFS, Proof

REJECTED = """
streams.warehouse.write(x)
streams.customer.write(x)
streams.cart.write(StockReserved(1))
streams.products[cart_id]
CheckoutCart(customer_id, cart_id, "o-1")
return [other_commands_streams.a.write(e)]
executor.execute(cart_id)
executor.execute(CheckoutCart)
"""
"""Mistakes in a command that uses everything."""

KINDS = """
a: StreamId[S] = stream()
a: StreamId[S] = stream(read_only=True)
a: StreamId[S] | None = stream()
a: StreamId[S] | None = stream(read_only=True)
a: tuple[StreamId[S], ...] = stream()
a: tuple[StreamId[S], ...] = stream(read_only=True)
a: Discovered[S] = discovered()
a: Discovered[S] = discovered(read_only=True)
a: StreamId = stream(events=E)
a: StreamId = stream(events=E, read_only=True)
a: StreamId | None = stream(events=E)
a: StreamId | None = stream(events=E, read_only=True)
a: tuple[StreamId, ...] = stream(events=E)
a: tuple[StreamId, ...] = stream(events=E, read_only=True)
a: Discovered = discovered(events=E)
a: Discovered = discovered(events=E, read_only=True)
any other field
"""
"""The table of declarations, each also read-only."""

DECLARING = """
constructors are known to the checkers
@command, @event, @state are frozen
a command generic over plain fields
StreamId is a str, generic in the state
a bare StreamId
StreamId.of(Product, key)
@event("cart.item-added", version=2)
@state(category="item")
@state(ignore_unknown=True)
@state(snapshot_every=100, version=2)
@command(allow_aliases=True)
handle: def or async def, any iterable, generators too
initial and apply of a command that folds by itself
<Command>Writes
StreamWrite(streams, stream_id, event)
require(cond, "text {}", x)
raise CommandRejected(...)
"""

EXECUTING = """
CommandExecutor(store, ...)
executor.execute(command)
executor.load(cart)
execute(cmd, metadata=...)
execute(cmd, idempotency_key=...)
observer=...
result.events
result.position
result.attempts, result.versions
Recorded
RetryPolicy
RetriesExhausted
EventCoreError is the root of every error of ours
Position, opaque, ordered, printable
BlockingExecutor(make_store, make_executor=...)
BlockingExecutor.execute
BlockingExecutor.load
BlockingExecutor.call
BlockingExecutor in a with statement
"""

STORES = """
InMemoryEventStore()
SqliteEventStore("shop.db")
PostgresEventStore(dsn, schema="shop")
async with store
EventStore, one protocol
ExpectedVersion.exact(n), NO_STREAM, ANY
StreamPrefix, StreamPattern
"""

PROJECTING = """
@on(ItemAdded) of a @projection, and its context
project_inline(store, [...]), end_inline(store, name): the stores that can
project_inline(store, [...]), end_inline(store, name): their arguments
InlineProjectionFailed, InlineProjectionsDiffer
InlineStore, one protocol
"""

ROWS = {row for table in (REJECTED, KINDS, DECLARING, EXECUTING, STORES, PROJECTING) for row in table.strip().splitlines()}

NO_MATTER_OF_TYPES = {
    "list, dict and set fields are a diagnostic": "tests/golden/ec115_mutable_field/diagnostics.txt: EC115 error",
    "two events of one name are an error": "tests/golden/ec112_two_events_of_one_name/diagnostics.txt: EC112 error",
    "mixing both ways to fold is a diagnostic": "tests/golden/ec116_mixed_folds/diagnostics.txt: EC116 error",
    "a bad stream id raises when it is made": "tests/unit/test_ids.py: test_a_bad_stream_id_is_refused_when_it_is_made",
    "one stream in two arguments is refused": "tests/integration/test_executor.py: test_one_stream_in_two_arguments_is_refused_when_the_command_is_made",
    "a discovered id may repeat a declared one": "tests/integration/test_executor.py: test_a_discovered_stream_may_repeat_a_declared_one",
    "an event that apply does not take": "tests/integration/test_executor.py: test_an_event_that_cannot_be_read_is_named",
    "a stream that was never asked for": "tests/integration/test_executor.py: test_touching_a_stream_that_was_never_asked_for_is_an_error",
    "require formats only when it has to": "tests/unit/test_declare.py: test_require_formats_only_when_it_fails_and_has_arguments",
    "stale generated code": "tests/unit/execute/test_binding.py: test_stale_generated_code_is_refused_with_the_command_that_repairs_it",
    "a module imports before it was generated": "tests/golden/test_golden.py: test_the_users_modules_import_before_anything_was_generated",
}

# What has to be said of every member of a kind: with <a> its name, <id> the id of one of its streams.
HANDLE = ["streams.<a>", "streams.<a>.id", "streams.<a>.version"]
STREAMS = [
    *("streams.<a>", "streams.<a>[<id>]", "streams.<a>[<id>].id", "streams.<a>[<id>].version", "streams.<a>.get(<id>)", "streams.<a>.ids"),
    *("list(streams.<a>)", "list(streams.<a>.items())", "list(streams.<a>.values())", "<id> in streams.<a>", "len(streams.<a>)"),
]
STATES = [
    *("state.<a>", "state.<a>[<id>]", "state.<a>.get(<id>)"),
    *("list(state.<a>)", "list(state.<a>.items())", "list(state.<a>.values())", "<id> in state.<a>", "len(state.<a>)"),
]
RESOLVER = ["resolver.<a>", "resolver.<a>.add(<id>)", "resolver.<a>.add([<id>])"]
SAID: Mapping[str, list[str]] = {"one": HANDLE, "optional": HANDLE, "many": STREAMS, "discovered": [*STREAMS, *RESOLVER]}
SAID_OF_STATE: Mapping[str, list[str]] = {"one": ["state.<a>"], "optional": ["state.<a>"], "many": STATES, "discovered": STATES}


@attrs.frozen
class Part:
    """A function or class of a proof, with the rows that it names."""

    proof: Proof
    name: str
    rows: tuple[str, ...]
    claims: tuple[str, ...]
    refused: tuple[str, ...]


def parts() -> Iterator[Part]:
    for proof in PROOFS:
        for node in proof.tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                rows = tuple(re.findall(r"^\s*row: (.*)", ast.get_docstring(node) or "", re.MULTILINE))
                lines = proof.lines[(node.decorator_list[0].lineno if node.decorator_list else node.lineno) - 1 : node.end_lineno]
                refused = tuple(MARK.split(line)[0].strip() for line in lines if MARK.search(line))
                yield Part(proof, node.name, rows, tuple(claims(node)), refused)


def claims(node: ast.AST) -> Iterator[str]:
    calls = (call for call in ast.walk(node) if isinstance(call, ast.Call) and ast.unparse(call.func) == "assert_type")
    return (ast.unparse(call.args[0]) for call in calls)


ALL = list(parts())


def test_no_proof_names_a_row_that_there_is_not() -> None:
    assert {row for part in ALL for row in part.rows} - ROWS == set()


@pytest.mark.parametrize("row", sorted(ROWS))
def test_a_row_says_what_passes_and_what_is_refused(row: str) -> None:
    of_the_row = [part for part in ALL if row in part.rows]
    assert any(part.claims for part in of_the_row), "nothing passes"
    assert any(part.refused for part in of_the_row), "nothing is refused"


def test_every_part_that_proves_anything_names_a_row() -> None:
    """scenarios.py proves the testing kit, which has rows of its own."""
    without = [
        f"{part.proof.name}.{part.name}"
        for part in ALL
        if part.proof.name != "scenarios" and (part.claims or part.refused) and not part.rows
    ]
    assert without == []


@pytest.mark.parametrize("row", NO_MATTER_OF_TYPES)
def test_what_is_no_matter_of_types_is_tested_elsewhere(row: str) -> None:
    path, text = NO_MATTER_OF_TYPES[row].split(": ", 1)
    assert text in (CHECKOUT / path).read_text(encoding="utf-8")


def test_the_kinds_of_streams_that_docs_list_are_rows() -> None:
    page = (CHECKOUT / "docs" / "commands.md").read_text(encoding="utf-8")
    table = page.partition("## The kinds of streams")[2].partition("\n`read_only=True` goes with each.")[0]
    listed = {cell.strip().strip("`").replace("\\|", "|") for cell in re.findall(r"^\| (.*?[^\\])\|", table, re.MULTILINE)}
    assert len(listed) > 6
    assert listed - {"declaration"} - set(KINDS.strip().splitlines()) == set()


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> GeneratedModule:
    folder = tmp_path_factory.mktemp("kinds")
    (folder / "kinds.py").write_bytes((PROJECT / "kinds.py").read_bytes())
    assert generate(folder, ".").exit_code == 0
    spec = importlib.util.spec_from_file_location("kinds_streams", folder / "kinds_streams.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    generated = module.GENERATED
    assert isinstance(generated, GeneratedModule)
    return generated


def test_there_is_a_stream_of_every_kind(kinds: GeneratedModule) -> None:
    found = {(stream.kind, stream.read_only, stream.state is None) for spec in kinds.commands.values() for stream in spec.streams}
    assert found == {(kind, read_only, folds) for kind in SAID for read_only in (False, True) for folds in (False, True)}


@pytest.mark.parametrize("command", ["Stateful", "SelfFolding"])
def test_everything_is_said_of_every_generated_member(command: str, kinds: GeneratedModule) -> None:
    functions = {part.name: part for part in ALL if part.proof.name == "generated_members"}
    prefix = {"Stateful": "stateful", "SelfFolding": "self_folding"}[command]
    missing: list[str] = []
    for stream in kinds.commands[command].streams:
        part = functions[f"{prefix}_{stream.field}"]
        missing += [f"{part.name}: {text}" for text in needed(stream) if text not in part.claims]
        missing += [f"{part.name}: {text}  # E" for text in needed_refusals(stream) if text not in part.refused]
    assert missing == []


def needed(stream: StreamSpec) -> Iterator[str]:
    key = "some" if stream.state is None else "gauge" if stream.read_only else "tank"
    texts = [f"command.{stream.field}", *SAID[stream.kind], *(SAID_OF_STATE[stream.kind] if stream.state else [])]
    if not stream.read_only:
        texts.append("streams.<a>.write(Drained())" if stream.kind in {"one", "optional"} else "streams.<a>[<id>].write(Drained())")
    return (text.replace("<a>", stream.field).replace("<id>", key) for text in texts)


def needed_refusals(stream: StreamSpec) -> Iterator[str]:
    """A read-only stream has no write at all, and a writable one takes no event of another stream."""
    key = "some" if stream.state is None else "gauge" if stream.read_only else "tank"
    of = f"streams.{stream.field}"
    yield f"{of}.write(Measured(1.0))" if stream.kind in {"one", "optional"} else f"{of}[{key}].write(Measured(1.0))"
    if stream.kind in {"many", "discovered"}:
        yield f'{of}["tank-1"]'
    if stream.kind in {"many", "discovered"} and stream.state:
        other = "tank" if stream.read_only else "gauge"
        yield f"{of}[{other}]"
        yield f"state.{stream.field}[{other}]"
    if stream.kind == "discovered":
        yield f'resolver.{stream.field}.add("tank-1")'
