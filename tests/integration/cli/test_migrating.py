from __future__ import annotations

import pytest


def test_migrate_makes_a_store_once_and_says_what_there_was_to_do(place, eventcore):
    made = eventcore("migrate", place.url)
    again = eventcore("migrate", place.url)

    assert (made.returncode, made.stderr, again.returncode, again.stderr) == (0, "", 0, "")
    assert "does not exist" in made.stdout
    assert "; run" not in made.stdout
    assert "nothing to do" in again.stdout
    assert eventcore("streams", place.url).returncode == 0


def test_migrate_check_changes_nothing_and_says_by_its_code_what_it_found(place, eventcore, tmp_path):
    for _ in range(2):
        done = eventcore("migrate", "--check", place.url)
        assert (done.returncode, done.stdout) == (1, "")
        assert "does not exist" in done.stderr
    assert list(tmp_path.iterdir()) == []

    eventcore("migrate", place.url)
    assert eventcore("migrate", "--check", place.url).returncode == 0


@pytest.mark.parametrize("command", ["migrate", "events"])
def test_a_store_that_is_newer_than_the_code_is_refused_by_name(place, eventcore, command, request):
    eventcore("migrate", place.url)
    if place.url.startswith("sqlite"):
        import sqlite3

        sqlite3.connect(place.url.removeprefix("sqlite:///")).execute("PRAGMA user_version = 9999").connection.close()
    else:
        from tests.servers.run import execute

        execute(
            request.getfixturevalue("postgres"), f"INSERT INTO \"{request.getfixturevalue('schema')}\".migrations VALUES (9999, 'later')"
        )
    done = eventcore(command, place.url)

    assert (done.returncode, done.stdout) == (2, "")
    assert "9999" in done.stderr
    assert "newer" in done.stderr
