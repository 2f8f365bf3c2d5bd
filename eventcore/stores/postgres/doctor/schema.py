"""The schema: how far it has come, and whether it still is what the migrations made.

``made.json`` holds a digest of everything that the migrations make, with the schema's name and number taken out; ``python -m
tests.integration.cli.made`` writes it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Final, NamedTuple, cast

from eventcore.errors import NotAnEventStore, StoreTooNew
from eventcore.stores.findings import Area, Finding
from eventcore.stores.postgres.connections import Connection
from eventcore.stores.postgres.doctor.limits import Limits
from eventcore.stores.postgres.migrations import Migrations
from eventcore.stores.postgres.statements import Schema

MADE: Final = "made.json"
# For all changes, also those that replication brings.
_ALWAYS: Final = "A"
# Anybody's, where they are on tables of ours. Other tables and functions in the schema are no business of ours.
_ADDED: Final = frozenset({"column", "constraint", "index", "trigger", "rule"})


class Object(NamedTuple):
    """*name* begins with what it is: ``index events_by_type``. *state* is what may change while the definition stays."""

    kind: str
    name: str
    digest: str
    state: str | None
    of_table: str | None

    @property
    def key(self) -> str:
        return f"{self.kind} {self.name}"


async def look_at_schema(connection: Connection, schema: Schema, _: Limits) -> Area:
    newest = schema.migrations()[-1].number
    try:
        done = await Migrations(schema, f"the schema {schema.name!r}").done(connection)
    except NotAnEventStore as error:
        return Area("schema", "something else's", {"usable": False}, [Finding("schema-foreign", str(error))])
    except StoreTooNew as error:
        return Area("schema", "newer than this eventcore", {"usable": True, "needed": newest}, [Finding("schema-newer", str(error))])
    facts = {"usable": done > 0, "migration": done, "needed": newest}
    if done == 0:
        return Area("schema", "not there", facts, [Finding("schema-missing", f"there is no event store in the schema {schema.name!r}")])
    if done < newest:
        behind = Finding("schema-behind", f"the schema {schema.name!r} has the migration {done}, this eventcore needs {newest}", facts)
        return Area("schema", f"migration {done} of {newest}", facts, [behind])
    found = await objects(connection, schema)
    findings = list(_differences(made(), found))
    state = f"{len(made())} objects as they were made" if not findings else "not as it was made"
    return Area("schema", f"migration {done} of {newest}, {state}", {**facts, "objects": len(made())}, findings)


async def look_at_epoch(connection: Connection, schema: Schema, _: Limits) -> Area:
    row = await connection.fetchrow(schema.statements("doctor")["epoch"])
    if row is None:
        gone = Finding("object-missing", "the one row of the table `store` is gone")
        return Area("epoch", "not there", findings=[gone])
    facts = dict(row)
    what = f"the newest event is of the transaction {row['newest']}, this server comes to {row['next']} next"
    findings = [Finding("epoch-behind", what, facts)] if row["ahead"] else []
    restored = "never restored into another server" if row["epoch"] == 0 else f"restored into another server {row['epoch']} times"
    return Area("epoch", f"{row['epoch']}: {restored}", facts, findings)


async def objects(connection: Connection, schema: Schema) -> list[Object]:
    """Return all objects in *schema*. The search path has to be the one of the doctor's prologue."""
    rows = await connection.fetch(schema.statements("doctor")["objects"], schema.name)
    return [Object(row["kind"], row["name"], _digest(row["definition"], schema), row["state"], row["of_table"]) for row in rows]


@cache
def made() -> Mapping[str, str]:
    """Return the digest of everything that the migrations make, by its kind and name."""
    text = resources.files("eventcore.stores.postgres.doctor").joinpath(MADE).read_text(encoding="utf-8")
    return cast("Mapping[str, str]", json.loads(text))


def _digest(definition: str, schema: Schema) -> str:
    plain = definition.replace(f"{schema.quoted}.", "{schema}.").replace(str(schema.seed), "{seed}")
    return hashlib.blake2b(plain.encode(), digest_size=8).hexdigest()


def _differences(expected: Mapping[str, str], found: Sequence[Object]) -> Iterator[Finding]:
    there = {each.key: each for each in found}
    for key, digest in expected.items():
        if key not in there:
            # An index that a constraint made goes with it.
            if key.startswith("index ") and key.replace("index ", "constraint ", 1) in _bare(expected):
                continue
            yield Finding("index-missing" if key.startswith("index ") else "object-missing", f"the {key} is gone", {"object": key})
        elif there[key].digest != digest:
            yield Finding("object-changed", f"the {key} differs from the one that was made", {"object": key})
        else:
            yield from _state(there[key])
    tables = {key.removeprefix("table ") for key in expected if key.startswith("table ")}
    for each in found:
        if each.key not in expected and each.kind in _ADDED and each.of_table in tables:
            yield Finding("object-added", f"the {each.key} on the table {each.of_table} is not of eventcore", {"object": each.key})
            if each.state == "invalid":
                yield Finding("index-invalid", f"the {each.key} is not used", {"object": each.key})


def _state(each: Object) -> Iterator[Finding]:
    facts = {"object": each.key, "state": each.state}
    if each.kind == "trigger" and each.state != _ALWAYS:
        yield Finding("trigger-off", f"the {each.key} is {'off' if each.state == 'D' else 'not always on'}", facts)
    if each.kind == "index" and each.state == "invalid":
        yield Finding("index-invalid", f"the {each.key} is not used", facts)
    if each.kind == "function" and each.state == "public":
        yield Finding("public-access", f"everybody may call the {each.key}", facts)


def _bare(expected: Mapping[str, str]) -> set[str]:
    """Return the constraints by their own names, which are those of their indexes."""
    return {f"constraint {key.rpartition('.')[2]}" for key in expected if key.startswith("constraint ")}
