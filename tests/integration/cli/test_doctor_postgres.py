"""`eventcore doctor` on PostgreSQL: everything that it may find is brought about, and found."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Sequence

import asyncpg
import attrs
import pytest

from eventcore.store import ANY, AppendRequest, NewEvent, StreamRead
from eventcore.stores.findings import Area, Finding
from eventcore.stores.postgres import PostgresEventStore
from eventcore.stores.postgres.doctor import LIMITS, Limits, examine
from eventcore.stores.postgres.doctor.lanes import LaneLook, of_lanes, of_looks
from eventcore.stores.postgres.doctor.server import of_server
from eventcore.stores.postgres.doctor.waiting import of_holders
from eventcore.stores.postgres.statements import Schema
from tests.servers.run import execute

from .made import FILE, made_by_migrations


def areas_of(dsn: str, schema: str, **limits: float) -> dict[str, Area]:
    report = asyncio.run(examine(dsn, schema=schema, patience=5, limits=attrs.evolve(LIMITS, **limits)))
    return {area.name: area for area in report}


def found(dsn: str, schema: str, **limits: float) -> list[Finding]:
    return [finding for area in areas_of(dsn, schema, **limits).values() for finding in area.findings]


def codes(dsn: str, schema: str, **limits: float) -> set[str]:
    # The servers of tests do without fsync, and what other tests of this moment do on the server is not of this one.
    return {finding.code for finding in found(dsn, schema, **limits)} - {
        "crash-unsafe",
        "prepared-left",
        "vacuum-held",
        "connections-scarce",
    }


def named(findings: Sequence[Finding], code: str) -> list[str]:
    return [str(finding.facts.get("object")) for finding in findings if finding.code == code]


def make(dsn: str, schema: str, *stream_ids: str) -> None:
    async def made() -> None:
        async with PostgresEventStore(dsn, schema=schema, pool_size=3) as store:
            if stream_ids:
                await store.append([AppendRequest({s: ANY}, [event(s)]) for s in stream_ids])

    asyncio.run(made())


def event(stream_id: str) -> NewEvent:
    return NewEvent(stream_id, uuid.uuid4(), "Happened", 1, b"{}", b"{}")


@pytest.fixture
def store(postgres, schema):
    """A schema with a few events."""
    make(postgres, schema, "a", "a", "b")
    return schema


def test_what_is_kept_of_the_migrations_is_what_they_make(postgres, schema):
    stale = "a migration was changed: `python -m tests.integration.cli.made` writes what it makes now"
    assert asyncio.run(made_by_migrations(postgres, schema)) == FILE.read_text(encoding="utf-8"), stale


def test_what_is_kept_of_the_migrations_is_what_they_make_on_postgres_15(postgres15, schema):
    assert asyncio.run(made_by_migrations(postgres15, schema)) == FILE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["events", 'Say "hi" %', "pg", "é"])
def test_a_schema_of_any_name_is_as_it_was_made(postgres, name):
    make(postgres, name)
    try:
        assert codes(postgres, name) == set()
    finally:
        execute(postgres, f"DROP SCHEMA {Schema(name).quoted} CASCADE")


def test_a_store_on_postgres_15_that_is_well(postgres15, schema):
    make(postgres15, schema, "a", "b")

    areas = areas_of(postgres15, schema)

    assert "PostgreSQL 15" in areas["server"].summary
    assert "supported" in areas["server"].summary
    assert areas["contents"].summary.startswith("2 events in 2 streams")
    assert codes(postgres15, schema) == set()


@pytest.mark.parametrize(
    ("statement", "code", "objects"),
    [
        ("DROP INDEX {0}.events_by_type", "index-missing", ["index events_by_type"]),
        ("DROP INDEX {0}.store_is_one_row", "index-missing", ["index store_is_one_row"]),
        ("ALTER TABLE {0}.events DROP CONSTRAINT events_in_order", "object-missing", ["constraint events.events_in_order"]),
        ("DROP TRIGGER events_never_change ON {0}.events", "object-missing", ["trigger events.events_never_change"]),
        ("DROP FUNCTION {0}.news", "object-missing", ["function news"]),
        ("ALTER TABLE {0}.events DISABLE TRIGGER events_never_change", "trigger-off", ["trigger events.events_never_change"]),
        ("ALTER TABLE {0}.streams ENABLE TRIGGER streams_never_vanish", "trigger-off", ["trigger streams.streams_never_vanish"]),
        ("ALTER FUNCTION {0}.append RESET search_path", "object-changed", ["function append"]),
        ("ALTER FUNCTION {0}.append SECURITY INVOKER", "object-changed", ["function append"]),
        (
            "CREATE OR REPLACE FUNCTION {0}.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
            "object-changed",
            ["function refuse"],
        ),
        ("ALTER TABLE {0}.events ALTER metadata DROP NOT NULL", "object-changed", ["column events.metadata"]),
        ("ALTER TABLE {0}.snapshots SET UNLOGGED", "object-changed", ["table snapshots"]),
        ("GRANT EXECUTE ON FUNCTION {0}.append TO PUBLIC", "public-access", ["function append"]),
        ("CREATE INDEX mine ON {0}.events (recorded_at)", "object-added", ["index mine"]),
        ("CREATE RULE mine AS ON INSERT TO {0}.events DO ALSO NOTHING", "object-added", ["rule events.mine"]),
    ],
)
def test_what_differs_from_the_migrations_is_named(postgres, store, statement, code, objects):
    execute(postgres, statement.format(store))

    assert named(found(postgres, store), code) == objects
    assert codes(postgres, store) - {"index-unused"} == {code}


def test_an_index_whose_making_failed_is_named(postgres, store):
    with pytest.raises(asyncpg.UniqueViolationError):
        execute(postgres, f"CREATE UNIQUE INDEX CONCURRENTLY mine ON {store}.events (type)")

    assert {"index-invalid", "object-added", "index-unused"} == codes(postgres, store)


def test_an_index_of_ours_that_is_invalid_is_named(postgres, store):
    execute(postgres, f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{store}.events_by_type'::regclass")

    assert named(found(postgres, store), "index-invalid") == ["index events_by_type"]


def test_a_schema_that_cannot_be_opened_is_told_from_one_that_can(postgres, schema):
    assert codes(postgres, schema) == {"schema-missing"}

    execute(postgres, f"CREATE SCHEMA {schema}", f"CREATE TABLE {schema}.events (id int)")
    assert codes(postgres, schema) == {"schema-foreign"}

    execute(postgres, f"DROP SCHEMA {schema} CASCADE")
    make(postgres, schema)
    execute(postgres, f"INSERT INTO {schema}.migrations VALUES (999, 'later')")
    assert codes(postgres, schema) == {"schema-newer"}

    execute(postgres, f"DELETE FROM {schema}.migrations WHERE number IN (2, 999)")
    assert codes(postgres, schema) == {"schema-behind"}


def test_a_restored_store_needs_a_new_epoch(postgres, store):
    execute(
        postgres,
        f"INSERT INTO {store}.events VALUES (1::bigint << 40, 9, now(), 1, 1, gen_random_uuid(), 'z', 'Happened', '{{}}', '{{}}')",
    )

    assert codes(postgres, store) == {"epoch-behind"}


APPEND = """
    SELECT * FROM {0}.append(ARRAY['a'], NULL, ARRAY[1], ARRAY[1], ARRAY['a'], ARRAY[0]::bigint[], ARRAY[gen_random_uuid()], ARRAY['Happened'], NULL,
        ARRAY['{{}}']::jsonb[], NULL, '{{1,1,1,1,1,-1,1}}', NULL, NULL, NULL, false, '20s', 10)"""


async def examined(dsn: str, schema: str, **limits: float) -> list[Finding]:
    report = await examine(dsn, schema=schema, patience=5, limits=Limits(**limits))
    return [finding for area in report for finding in area.findings]


def test_an_append_that_is_open_and_who_waits_for_it_are_named(postgres, store):
    async def opened() -> tuple[Finding, Finding, int, int]:
        first = await asyncpg.connect(postgres, server_settings={"application_name": "the-shop"})
        second = await asyncpg.connect(postgres)
        try:
            async with asyncio.timeout(20):
                hanging = first.transaction()
                await hanging.start()
                await first.execute(APPEND.format(store))
                waiting = asyncio.create_task(second.execute(APPEND.format(store)))
                while not (found := [each for each in await examined(postgres, store, append=0) if each.code == "append-waiting"]):
                    await asyncio.sleep(0.05)
                [held] = [each for each in await examined(postgres, store, append=0) if each.code == "append-open"]
                pids = first.get_server_pid(), second.get_server_pid()
                assert not [each for each in await examined(postgres, store, append=60) if each.code.startswith("append")]
                await hanging.rollback()
                await waiting
                return held, found[0], *pids
        finally:
            await first.close()
            await second.close()

    held, waits, holder, waiter = asyncio.run(opened())

    assert held.facts["pid"] == holder
    assert held.facts["holds_readers"] is True
    assert "the-shop" in held.what
    assert "readers wait for it" in held.what
    assert (waits.facts["pid"], waits.facts["waits_for"], waits.facts["holds_readers"]) == (waiter, [holder], False)
    assert codes(postgres, store, append=0) == set()


def test_an_append_that_was_prepared_is_named_as_what_holds_readers_and_vacuum(postgres, store):
    gid = f"left-{store}"

    async def prepared() -> list[Finding]:
        connection = await asyncpg.connect(postgres)
        try:
            await connection.execute("BEGIN")
            await connection.execute(APPEND.format(store))
            await connection.execute(f"PREPARE TRANSACTION '{gid}'")
            return await examined(postgres, store, append=0, prepared=0)
        finally:
            await connection.execute(f"ROLLBACK PREPARED '{gid}'")
            await connection.close()

    findings = asyncio.run(prepared())

    [held] = [each for each in findings if each.code == "append-open"]
    assert (held.facts["gid"], held.facts["pid"], held.facts["holds_readers"]) == (gid, None, True)
    assert gid in held.what
    assert gid in {each.facts["name"] for each in findings if each.code == "prepared-left"}


def test_a_session_that_keeps_a_snapshot_is_named(postgres, store):
    async def kept() -> tuple[list[Finding], int]:
        connection = await asyncpg.connect(postgres)
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                await connection.execute("SELECT 1")
                return await examined(postgres, store, vacuum=0), connection.get_server_pid()
        finally:
            await connection.close()

    findings, pid = asyncio.run(kept())

    assert pid in {each.facts["pid"] for each in findings if each.code == "vacuum-held"}


def test_a_slot_that_is_far_behind_is_named():
    slot = {"kind": "slot", "pid": None, "name": "old", "database": None, "role": None, "application": None, "state": "inactive"}

    [held] = of_holders([{**slot, "seconds": None, "transactions": 2_000_000}], LIMITS)

    assert (held.code, "'old'" in held.what) == ("vacuum-held", True)
    assert not list(of_holders([{**slot, "seconds": None, "transactions": 10}], LIMITS))


def test_a_listener_that_sleeps_in_a_transaction_fills_the_queue(postgres, store):
    async def asleep() -> list[Finding]:
        listener, teller = await asyncpg.connect(postgres), await asyncpg.connect(postgres)
        try:
            await listener.execute(f"LISTEN {store}")
            async with listener.transaction():
                for _ in range(20):
                    await teller.execute("SELECT pg_notify($1, repeat('x', 7000) || $2)", store, str(uuid.uuid4()))
                return await examined(postgres, store, notify_queue=0)
        finally:
            await listener.close()
            await teller.close()

    assert "notify-queue-filling" in {each.code for each in asyncio.run(asleep())}
    assert "notify-queue-filling" not in codes(postgres, store)


def test_settings_that_lose_data_are_named(postgres, store):
    # As the servers of tests are.
    crash = [each for each in found(postgres, store) if each.code == "crash-unsafe"]
    assert [each.facts["off"] for each in crash] == [["fsync", "full_page_writes"]]

    loose = f"{postgres}{'&' if '?' in postgres else '?'}synchronous_commit=off"
    assert codes(loose, store) == {"commit-unsafe"}


def test_room_for_locks_and_connections_is_named(postgres, store):
    assert "lock-table-small" in codes(postgres, store, lock_room=10**9)
    assert "lock-table-small" in codes(postgres, store, locks=-1)
    assert "connections-scarce" in {each.code for each in found(postgres, store, connections=0)}


def test_a_lane_that_is_full_is_named(postgres, store):
    """One append waits for a lock of another transaction; nobody else of the application appends."""
    dsn = f"{postgres}{'&' if '?' in postgres else '?'}application_name=the-crowded-shop"

    async def crowded() -> tuple[Area, Area]:
        holder = await asyncpg.connect(postgres)
        async with asyncio.timeout(30), PostgresEventStore(dsn, schema=store) as crowd:
            await crowd.append([AppendRequest({"a": ANY}, [event("a")])])
            idle = await lanes_of(postgres, store)
            hanging = holder.transaction()
            await hanging.start()
            await holder.execute(APPEND.format(store))
            waiting = asyncio.create_task(crowd.append([AppendRequest({"a": ANY}, [event("a")])]))
            while not (full := await lanes_of(postgres, store)).findings:
                await asyncio.sleep(0.05)
            await hanging.rollback()
            await waiting
            await holder.close()
            return idle, full

    idle, full = asyncio.run(crowded())

    assert idle.findings == []
    assert [(lane["lane"], lane["connections"], lane["at_work"]) for lane in idle.facts["lanes"]] == [("append", 1, 0)]
    [finding] = full.findings
    assert finding.code == "lane-full"
    assert {"application": "the-crowded-shop", "lane": "append", "connections": 1, "held_up": 1, "full": 1}.items() <= finding.facts.items()


def test_each_lane_is_known_by_its_statement(postgres, store):
    async def run() -> Area:
        async with PostgresEventStore(postgres, schema=store) as shop:
            await shop.append([AppendRequest({"a": ANY}, [event("a")])])
            await shop.read([StreamRead("a")])
            assert (await shop.read_all()).events
            return await lanes_of(postgres, store)

    assert [lane["lane"] for lane in asyncio.run(run()).facts["lanes"]] == ["append", "log", "read"]


async def lanes_of(dsn: str, schema: str) -> Area:
    return next(area for area in await examine(dsn, schema=schema, patience=5) if area.name == "lanes")


def test_a_lane_that_had_a_connection_free_at_one_look_is_not_full():
    busy, calm = LaneLook("shop", "read", 3, 3, 0, 0.2), LaneLook("shop", "read", 3, 2, 1, 0.1)

    assert [each.code for each in of_lanes(of_looks([[busy], [busy]]))] == ["lane-full"]
    assert of_lanes(of_looks([[busy], [calm]])) == of_lanes(of_looks([[busy], []])) == []
    assert of_looks([[busy], [calm], [], [busy]]) == [
        {"application": "shop", "lane": "read", "connections": 3, "at_work": 2.0, "held_up": 0.2, "full": 0.5, "seconds": 0.2}
    ]


SERVER = {
    "version": "99.1", "replica": False, "fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "lock_room": 10**6, "locks": 0,
    "sees_sessions": True, "role": "app",
}  # fmt: skip


@pytest.mark.parametrize(
    ("major", "differs", "expected"),
    [
        (18, {}, []),
        (15, {}, []),
        (14, {}, ["server-untested"]),
        (19, {}, ["server-untested"]),
        (18, {"replica": True}, ["server-read-only"]),
    ],
)
def test_what_a_server_is(major, differs, expected):
    assert [each.code for each in of_server({**SERVER, **differs}, major, LIMITS)] == expected


def test_a_role_that_sees_nobody_else_says_so_and_goes_on(postgres, store):
    role = f"app_{uuid.uuid4().hex[:8]}"
    execute(postgres, f"CREATE ROLE {role} LOGIN PASSWORD 'sesame'", f"GRANT USAGE ON SCHEMA {store} TO {role}")
    try:
        dsn = f"postgresql://{role}:sesame@{postgres.rpartition('@')[2]}"
        findings = found(dsn, store)

        assert {"sessions-hidden", "not-examined"} <= {each.code for each in findings}
        assert "sesame" not in repr(findings)

        execute(postgres, f"GRANT SELECT ON ALL TABLES IN SCHEMA {store} TO {role}", f"GRANT pg_monitor TO {role}")
        assert codes(dsn, store) == set()
    finally:
        execute(postgres, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_tables_that_nobody_cleans_are_named(postgres, store):
    execute(postgres, f"ALTER TABLE {store}.streams SET (autovacuum_enabled = false)")
    assert codes(postgres, store) == {"autovacuum-off"}

    fill = f"INSERT INTO {store}.snapshots SELECT i::text, 'k', 1, '' FROM generate_series(1, 2000) AS i"
    execute(postgres, f"ALTER TABLE {store}.snapshots SET (autovacuum_enabled = false)", fill, f"DELETE FROM {store}.snapshots")

    async def until_told() -> None:
        async with asyncio.timeout(20):
            while "dead-rows" not in {each.code for each in await examined(postgres, store, dead_rows=100)}:
                await asyncio.sleep(0.2)

    asyncio.run(until_told())


def test_large_and_hot_streams_are_named(postgres, store):
    findings = found(postgres, store, large_stream=2, enough=3, hot_share=0.5)

    assert [each.facts["stream_id"] for each in findings if each.code == "stream-large"] == ["a"]
    assert [each.facts["stream_id"] for each in findings if each.code == "stream-hot"] == ["a"]
    assert areas_of(postgres, store)["contents"].summary.endswith("; largest a (2), hottest a (2 of the newest 3)")
    assert codes(postgres, store) == set()


def test_contents_are_estimated_where_a_table_is_large(postgres, store):
    execute(postgres, f"ANALYZE {store}.events", f"ANALYZE {store}.streams")

    assert areas_of(postgres, store, counted=0)["contents"].summary.startswith("about 3 events in about 2 streams")
    assert areas_of(postgres, store, looked_through=1)["contents"].facts["sampled"] is True


def test_a_lock_on_a_table_leaves_the_other_areas(postgres, store):
    async def locked() -> dict[str, Area]:
        connection = await asyncpg.connect(postgres)
        try:
            async with connection.transaction():
                await connection.execute(f"LOCK TABLE {store}.streams IN ACCESS EXCLUSIVE MODE")
                return {area.name: area for area in await examine(postgres, schema=store, patience=5)}
        finally:
            await connection.close()

    areas = asyncio.run(locked())

    assert [each.code for each in areas["contents"].findings] == ["not-examined"]
    assert areas["epoch"].severity == "ok"


def test_the_command_prints_no_password_and_leaves_with_the_worst_code(postgres, store, eventcore):
    done = eventcore("doctor", postgres, "--schema", store, "--json")
    report = json.loads(done.stdout)

    assert (done.returncode, done.stderr) == (2, "")
    assert report["severity"] == "error"
    assert {each["code"] for each in report["findings"]} >= {"crash-unsafe"}
    password = postgres.partition("://")[2].partition(":")[2].partition("@")[0]
    assert password
    assert password not in done.stdout
    text = eventcore("doctor", postgres, "--schema", store)
    assert text.returncode == 2
    assert password not in text.stdout
    assert "crash-unsafe" in text.stdout
    assert "3 events in 2 streams" in text.stdout
