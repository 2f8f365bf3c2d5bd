from __future__ import annotations

import asyncio

import pytest

from eventcore import MigrationNeeded, SqliteEventStore
from eventcore.cli import main


def test_a_store_that_may_not_migrate_names_the_command_that_does(tmp_path, capsys):
    path = tmp_path / "shop.db"

    async def open_it() -> None:
        async with SqliteEventStore(path, migrate=False):
            pass

    with pytest.raises(MigrationNeeded) as needed:
        asyncio.run(open_it())
    command = f"eventcore migrate sqlite:///{path}"
    assert command in str(needed.value)

    assert main(command.split()[1:]) == 0
    assert main(command.split()[1:]) == 0
    assert capsys.readouterr().out.count("is up to date") == 2
    asyncio.run(open_it())


@pytest.mark.parametrize("url", ["shop", "sqlite:///", "mysql://x", "sqlite:///:memory:"])
def test_what_is_no_store_is_said_in_one_line(url, capsys):
    assert main(["migrate", url]) == 2

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("eventcore: ")
    assert captured.err.count("\n") == 1
