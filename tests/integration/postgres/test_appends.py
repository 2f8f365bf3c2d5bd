"""What an append tells is what was done, whatever else happens at the same time."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from eventcore import PostgresEventStore
from eventcore.store import AlreadyDone, AppendRequest, Committed, IdempotencyKey
from eventcore.stores.postgres.statements import Schema
from eventcore.testing.contract.making import append_one, labels_of, new_event, read_log, request
from tests.integration.postgres.hand import adding, connected

# Whoever writes events waits for whoever holds this lock, in the middle of the append.
WAITING = """
CREATE FUNCTION {0}.wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NULL; END $$;
CREATE TRIGGER wait BEFORE INSERT ON {0}.events FOR EACH STATEMENT EXECUTE FUNCTION {0}.wait();
SELECT pg_advisory_lock(4711);
"""


def test_a_key_that_is_forgotten_in_the_middle_of_a_batch_spoils_no_answer(postgres: str, schema: str) -> None:
    """What shares the batch was taken for refused, though it was committed."""

    async def scenario() -> None:
        key = IdempotencyKey("once", b"asked")
        keyed = AppendRequest(*request({"a": 0}, new_event("a", 1))[:2], key)
        async with PostgresEventStore(postgres, schema=schema) as store, connected(postgres) as hand:
            assert isinstance(await append_one(store, keyed), Committed)
            await hand.execute(WAITING.format(Schema(schema).quoted))
            waiting = asyncio.create_task(store.append([adding("b", 2), keyed, adding("c", 3, 0)]))
            await asyncio.sleep(0.2)
            assert await store.forget_idempotency_keys(older_than=timedelta(0)) == 1
            await hand.execute("SELECT pg_advisory_unlock(4711)")
            one, done, other = await waiting
            assert isinstance(one, Committed)
            assert isinstance(other, Committed)
            assert isinstance(done, AlreadyDone)
            assert labels_of(done.events) == [1]
            assert labels_of(await read_log(store)) == [1, 2, 3]

    asyncio.run(scenario())
