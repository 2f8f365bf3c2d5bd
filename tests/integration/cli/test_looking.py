"""`eventcore streams | events | tail | show`, as they are started, on each kind of store."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from eventcore import EventFilter, PostgresEventStore, SqliteEventStore, StreamPattern, StreamPrefix
from eventcore.ids import new_event_id
from eventcore.store import ANY, EVERYTHING, AppendRequest, NewEvent
from tests.faults.crashing import crashing_server

from .conftest import STREAMS, Place, environment, event, write


def numbers(done) -> list[int]:
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line)["data"]["n"] for line in done.stdout.splitlines()]


def test_streams_come_by_name_with_their_versions(history, eventcore):
    done = eventcore("streams", history.url, "--json")

    heads = [json.loads(line) for line in done.stdout.splitlines()]
    assert [head["stream_id"] for head in heads] == sorted(STREAMS)
    assert {head["version"] for head in heads} == {5}
    assert next(head for head in heads if head["stream_id"] == "account-1")["type"] == "Happened"


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--prefix", "account-1"], ["account-1", "account-10"]),
        (["--prefix", "acc_unt%"], ["acc_unt%"]),
        (["--match", "account-[!1]*"], ["account-2"]),
        (["--match", "?ccount-1", "--prefix", "k"], ["Account-1", "account-1", "käufer-1"]),
        (["--type", "Ended"], ["Account-1", "account-2"]),
        (["--limit", "2"], ["Account-1", "acc_unt%"]),
        (["--since", "1h", "--limit", "1"], ["Account-1"]),
        (["--until", "1h"], []),
    ],
)
def test_streams_are_selected(history, eventcore, options, names):
    done = eventcore("streams", history.url, "--json", *options)

    assert [json.loads(line)["stream_id"] for line in done.stdout.splitlines()] == [name for name in sorted(STREAMS) if name in names]


@pytest.mark.parametrize("command", ["streams", "events"])
@pytest.mark.parametrize("option", ["--after", "--before"])
def test_a_position_of_another_store_selects_nothing_by_chance(history, eventcore, command, option):
    done = eventcore(command, history.url, option, "1.2.3")

    assert (done.returncode, done.stdout) == (2, "")
    assert "'1.2.3' is no position: the positions of a" in done.stderr


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], range(11, 31)),
        (["-n", "3"], [28, 29, 30]),
        (["-n", "3", "--reverse"], [30, 29, 28]),
        (["-n", "3", "--oldest"], [1, 2, 3]),
        (["-n", "3", "--oldest", "--reverse"], [3, 2, 1]),
        (["-n", "0"], range(1, 31)),
        (["-n", "0", "--reverse"], range(30, 0, -1)),
        (["-n", "2", "--type", "Ended"], [26, 29]),
        (["-n", "2", "--prefix", "account-1"], [25, 30]),
        (["-n", "0", "--match", "[k]*", "--type", "Ended"], []),
        (["-n", "0", "--since", "1h"], range(1, 31)),
        (["--until", "1h"], []),
    ],
)
def test_events_are_selected(history, eventcore, options, expected):
    if "[k]*" in options:
        expected = [n for n in range(1, 31) if STREAMS[n % 6].startswith("k") and n % 3 == 2]
    if "account-1" in options:
        expected = [n for n in range(1, 31) if STREAMS[n % 6].startswith("account-1")][-2:]

    assert numbers(eventcore("events", history.url, "--json", *options)) == list(expected)


def test_a_range_of_positions_leaves_its_ends_out(history, eventcore):
    lines = [json.loads(line) for line in eventcore("events", history.url, "--json", "-n", "0").stdout.splitlines()]
    after, before = lines[9]["position"], lines[14]["position"]

    for options in (["--reverse"], [], ["--oldest"], ["-n", "0"], ["-n", "0", "--reverse"]):
        found = numbers(eventcore("events", history.url, "--json", "--after", after, "--before", before, *options))
        assert sorted(found) == [11, 12, 13, 14]


def test_looking_back_finds_what_looking_on_finds(history):
    """Over many small pages, with every kind of filter."""

    async def both_ways() -> None:
        async with history.make() as store:
            filters = [
                EVERYTHING,
                EventFilter(types=frozenset({"Ended"})),
                EventFilter(streams=(StreamPrefix("account-1"), StreamPattern("[k]*"))),
                EventFilter(types=frozenset({"Happened"}), streams=(StreamPattern("?cc*"),)),
            ]
            for where in filters:
                on = list((await store.read_all(limit=100, where=where)).events)
                for limit in (1, 2, 7, 100):
                    back, before, more = [], None, True
                    while more:
                        page = await store.read_back(before, limit=limit, where=where)
                        back += page.events
                        before, more = page.position, page.more
                    assert back == on[::-1]

    asyncio.run(both_ways())


def test_streams_are_listed_the_same_in_pages_of_any_size(history):
    async def listed() -> None:
        async with history.make() as store:
            for selectors in (None, (StreamPrefix("acc"),), (StreamPattern("[!A]*1"),), (StreamPrefix("k"), StreamPattern("*_*"))):
                wanted = [s for s in sorted(STREAMS) if selectors is None or any(one.matches(s) for one in selectors)]
                for limit in (1, 2, 100):
                    found: list[str] = []
                    while heads := await store.list_streams(found[-1] if found else None, limit=limit, streams=selectors):
                        found += [head.stream_id for head in heads]
                    assert found == wanted

    asyncio.run(listed())


def test_show_tells_all_of_a_stream_an_event_or_a_version(history, eventcore):
    whole = eventcore("show", "account-2", "--url", history.url, "--json")
    assert numbers(whole) == [2, 8, 14, 20, 26]
    assert numbers(eventcore("show", "account-2", "--url", history.url, "--json", "-n", "2")) == [20, 26]
    assert numbers(eventcore("show", "account-2", "--url", history.url, "--json", "--version", "2")) == [8]
    assert numbers(eventcore("show", str(UUID(int=14)), "--url", history.url, "--json")) == [14]

    text = eventcore("show", str(UUID(int=14)), "--url", history.url).stdout
    assert '"actor": "ada"' in text
    assert "account-2 at version 3" in text


@pytest.mark.parametrize("what", [["nothing"], [str(UUID(int=99))], ["account-2", "--version", "9"], ["account-2", "--version", "0"]])
def test_what_is_not_there_is_said(history, eventcore, what):
    done = eventcore("show", *what, "--url", history.url)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("eventcore: ")


def test_the_environment_names_the_store_where_nobody_else_does(history, eventcore):
    assert numbers(eventcore("events", "--json", "-n", "1", EVENTCORE_URL=history.url)) == [30]
    assert numbers(eventcore("show", "account-1", "-n", "1", "--json", EVENTCORE_URL=history.url)) == [30]
    assert "EVENTCORE_URL" in eventcore("events").stderr


@pytest.mark.parametrize("command", ["streams", "events", "tail"])
def test_looking_makes_nothing(place, eventcore, tmp_path, command):
    done = eventcore(command, place.url)

    assert (done.returncode, done.stdout) == (2, "")
    assert "eventcore migrate" in done.stderr
    assert list(tmp_path.iterdir()) == []
    assert eventcore(command, place.url).stderr == done.stderr


def test_a_foreign_file_is_left_as_it_is(eventcore, tmp_path):
    (tmp_path / "notes.db").write_text("my notes")

    done = eventcore("streams", "notes.db")

    assert (done.returncode, done.stdout) == (2, "")
    assert (tmp_path / "notes.db").read_text() == "my notes"


def test_no_password_is_printed_when_a_server_does_not_answer(eventcore):
    for url in (
        "postgresql://u:sesame@127.0.0.1:1/x",
        "postgresql://u:ses/ame@127.0.0.1/x",
        "postgresql://u@127.0.0.1:1/x?password=sesame",
    ):
        done = eventcore("events", url)

        assert done.returncode == 2
        assert "ses" not in done.stdout + done.stderr


def test_a_reader_that_has_enough_is_no_error(history):
    program = f"{sys.executable} -m eventcore events {history.url!r} -n 0 --json | head -n 1"
    done = subprocess.run(
        check=False, args=["bash", "-c", f"set -o pipefail; {program}"], env=environment(), capture_output=True, text=True, timeout=60
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_what_the_output_cannot_encode_is_written_as_in_json(eventcore, tmp_path, form):
    asyncio.run(write_words(tmp_path / "words.db", "Grüße, 日本 😀"))

    shown = eventcore("events", "words.db", *form, PYTHONIOENCODING="ascii")

    assert (shown.returncode, shown.stderr) == (0, "")
    assert r"Gr\u00fc\u00dfe, \u65e5\u672c \ud83d\ude00" in shown.stdout
    if form:
        assert json.loads(shown.stdout)["data"] == {"words": "Grüße, 日本 😀"}


async def write_words(path, words):
    async with SqliteEventStore(path) as store:
        data = json.dumps({"words": words}, ensure_ascii=False).encode()
        await store.append([AppendRequest({"a-1": ANY}, [NewEvent("a-1", new_event_id(), "Said", 1, data)])])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("command", ["streams", "events", "tail", "doctor"])
def test_an_output_without_room_says_nothing_about_the_store(history, command):
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        program = [sys.executable, "-m", "eventcore", command, history.url]
        done = subprocess.run(program, check=False, env=environment(), stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)

    assert done.returncode == 2
    assert done.stderr == "eventcore: the standard output cannot be written: No space left on device\n"


class Tail:
    def __init__(self, url: str, *options: str) -> None:
        program = [sys.executable, "-m", "eventcore", "tail", url, "--json", *options]
        self.process = subprocess.Popen(program, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def next(self) -> int:
        line = self.process.stdout.readline()
        return json.loads(line)["data"]["n"]


def test_tail_shows_the_newest_and_goes_on_with_what_comes(history):
    with Tail(history.url, "-n", "2", "--type", "Happened") as tail:
        assert [tail.next(), tail.next()] == [28, 30]
        asyncio.run(write(history, event(31, "a"), event(32, "b", "Ended"), event(33, "c")))
        assert [tail.next(), tail.next()] == [31, 33]


def test_tail_ends_quietly_with_ctrl_c(history):
    with Tail(history.url, "-n", "1") as tail:
        tail.next()
        tail.process.send_signal(signal.SIGINT)
        out, err = tail.process.communicate(timeout=20)

        assert (tail.process.returncode, out, err) == (130, "", "")


def test_tail_ends_when_nobody_reads_any_more(history):
    with Tail(history.url, "-n", "1") as tail:
        tail.next()
        tail.process.stdout.close()

        assert tail.process.wait(timeout=20) == 0
        assert tail.process.stderr.read() == ""


def test_times_are_compared_with_the_clock_of_the_event(history, eventcore):
    moments = [json.loads(line)["recorded_at"] for line in eventcore("events", history.url, "--json", "-n", "0").stdout.splitlines()]
    middle = moments[14]
    earlier = {n for n, moment in enumerate(moments, 1) if moment < middle}

    assert set(numbers(eventcore("events", history.url, "--json", "-n", "0", "--until", middle))) == earlier
    assert set(numbers(eventcore("events", history.url, "--json", "-n", "0", "--since", middle))) == set(range(1, 31)) - earlier
    local = datetime.fromisoformat(middle).astimezone().isoformat()
    assert set(numbers(eventcore("events", history.url, "--json", "-n", "0", "--until", local, "--reverse"))) == earlier
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    assert numbers(eventcore("events", history.url, "--json", "--since", tomorrow)) == []


@pytest.mark.slow
def test_tail_goes_on_after_the_server_was_restarted(tmp_path_factory, schema):
    """Nothing that happened before, while and after it was away is left out or shown twice, and whoever watches is told."""
    with crashing_server(tmp_path_factory.mktemp("server")) as server:
        there = Place(f"{server.dsn}?schema={schema}", lambda: PostgresEventStore(server.dsn, schema=schema))
        asyncio.run(write(there, event(1, "a-1")))
        with Tail(there.url, "-n", "1") as tail:
            shown = [tail.next()]
            for number in (2, 5):
                asyncio.run(write(there, event(number, "a-1"), event(number + 1, "b-1")))
                server.kill()
                said = tail.process.stderr.readline()
                server.start()
                asyncio.run(write(there, event(number + 2, "a-1")))
                assert (said.startswith("eventcore: "), said.rstrip().endswith("waiting for it")) == (True, True), said
                assert tail.process.stderr.readline() == "eventcore: it is there again\n"
            shown += [tail.next() for _ in range(6)]
            assert sorted(shown) == shown == list(range(1, 8))
            tail.process.send_signal(signal.SIGINT)
            assert tail.process.communicate(timeout=20) == ("", "")


@pytest.mark.parametrize(
    ("command", "remark"),
    [
        (["events", "{url}", "--type", "Hapened"], "no event of this store is selected"),
        (["streams", "{url}", "--prefix", "acount"], "no stream of this store is selected"),
        (["projections", "list", "--url", "{url}"], "no projection has run on this store yet"),
        (["projections", "lag", "--url", "{url}"], "no projection has run on this store yet"),
    ],
)
def test_an_empty_answer_is_told_beside_the_output(history, eventcore, command, remark):
    arguments = [word.format(url=history.url) for word in command]

    text, document = eventcore(*arguments), eventcore(*arguments, "--json")

    assert (text.returncode, text.stdout, text.stderr) == (0, "", f"eventcore: {remark}\n")
    assert (document.returncode, document.stdout, document.stderr) == (0, "", "")
