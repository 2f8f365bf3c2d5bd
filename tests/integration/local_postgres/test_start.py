"""A server of one's own, as `eventcore pg start` and whoever imports the launcher have it."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from eventcore.local_postgres import (
    Binaries,
    DataFolderInUse,
    DataFolderUnusable,
    LocalPostgres,
    PortTaken,
    PostgresNotInstalled,
    ServerFailed,
    Settings,
)
from eventcore.local_postgres import account as accounts
from tests.servers.installed import postgres_15
from tests.servers.run import dsn_of, execute

COMMAND = [sys.executable, "-m", "eventcore", "pg", "start", "--json", "--data"]
AS_ROOT = os.geteuid() == 0


def modes(*paths: Path) -> dict[Path, tuple[int, int, int]]:
    """The mode and the owner of each folder from *paths* up to the root."""
    folders = {folder for path in paths for folder in (path, *path.parents)}
    return {folder: (stat.S_IMODE((info := folder.stat()).st_mode), info.st_uid, info.st_gid) for folder in folders}


def started(process: subprocess.Popen[str]) -> dict[str, object]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()[1]
    facts: dict[str, object] = json.loads(line)
    return facts


def postmaster_of(folder: Path) -> int:
    return int((folder / "cluster" / "postmaster.pid").read_text().split("\n", 1)[0])


def await_end(pid: int) -> None:
    until = time.monotonic() + 20
    while lives(pid):
        assert time.monotonic() < until, f"process {pid} lives on"
        time.sleep(0.02)


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_what_was_committed_is_there_at_the_next_start_on_the_same_port(tmp_path):
    with LocalPostgres.start(tmp_path / "pg") as first:
        execute(first.dsn, "CREATE TABLE kept (number int)")
    with LocalPostgres.start(tmp_path / "pg") as second:
        execute(second.dsn, "INSERT INTO kept VALUES (1)")

        assert second.dsn == first.dsn


def test_a_server_is_durable_and_asks_for_a_password(tmp_path):
    import asyncpg

    with LocalPostgres.start(tmp_path / "pg") as server:
        execute(server.dsn, "DO $$ BEGIN ASSERT current_setting('fsync') = 'on' AND current_setting('synchronous_commit') = 'on'; END $$")
        with pytest.raises(asyncpg.InvalidPasswordError):
            execute(dsn_of(server).replace(server.cluster.password, "guessed"), "SELECT 1")

        assert stat.S_IMODE(server.cluster.passfile.stat().st_mode) == 0o600
        assert server.cluster.password not in server.dsn + server.cluster.log.read_text()


def test_nothing_of_the_starters_environment_is_to_be_seen(tmp_path, monkeypatch):
    """Command lines are shown to everybody on the machine, and the account that runs the server has other processes."""
    monkeypatch.setenv("A_TOKEN", "much-too-secret")
    monkeypatch.setenv("PGPORT", "1")
    with LocalPostgres.start(tmp_path / "pg") as server:
        execute(server.dsn, "SELECT 1")
        processes = [psutil.Process(server.pid), psutil.Process(server.pid).parent()]
        seen = [text for process in processes for text in (*process.cmdline(), *process.environ().values())]

    assert not [text for text in seen if "much-too-secret" in text or server.cluster.password in text]


def test_a_socket_serves_without_tcp(tmp_path):
    with LocalPostgres.start(tmp_path / "pg", Settings(listen="socket")) as server:
        execute(server.dsn, "SELECT 1")
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", server.port)) != 0


def test_no_permission_is_changed_outside_the_folder(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    folder = closed / "pg"
    folder.mkdir()
    before = modes(folder, Binaries.find().folder)
    with LocalPostgres.start(folder) as server:
        execute(server.dsn, "SELECT 1")

    assert modes(folder, Binaries.find().folder) == before


@pytest.fixture
def open_folder():
    """Make folders below one that everybody may enter."""
    with contextlib.ExitStack() as stack:

        def make(name: str) -> Path:
            folder = Path(os.environ["EVENTCORE_TEST_RUN"]) / f"{name}-{os.getpid()}"
            folder.mkdir()
            stack.callback(shutil.rmtree, folder)
            return folder

        yield make


@pytest.mark.skipif(not AS_ROOT, reason="a plain user has one way, which all other tests take")
@pytest.mark.parametrize("way", ["another account", "a user namespace", "a copy"])
def test_root_has_three_ways(way, monkeypatch, open_folder):
    """Each is the last that is left, on a folder that the account may enter; a cluster goes over from one to another."""
    number = ["another account", "a user namespace", "a copy"].index(way)
    all_of_them = accounts._ways
    monkeypatch.setattr(accounts, "_ways", lambda binaries: itertools.islice(all_of_them(binaries), number, number + 1))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary := open_folder("copies")))
    folder = open_folder("way")
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(PortTaken):
        LocalPostgres.start(folder, Settings(port=taken.getsockname()[1]))
    assert not list(temporary.iterdir()), "a start that fails leaves no copy"
    for _ in range(2):
        with LocalPostgres.start(folder) as server:
            execute(server.dsn, "CREATE TABLE IF NOT EXISTS kept (number int)")
        monkeypatch.setattr(accounts, "_ways", all_of_them)
    assert not list(temporary.iterdir())


@pytest.mark.skipif(not AS_ROOT, reason="a plain user is the account itself")
def test_a_folder_that_the_account_cannot_enter_is_named_where_there_are_no_namespaces(tmp_path, monkeypatch):
    monkeypatch.setattr(accounts, "_UNSHARE", ("unshare-is-not-here",))
    tmp_path.chmod(0o700)
    with pytest.raises(DataFolderUnusable, match=r"cannot enter .*pg.*no user namespaces"):
        LocalPostgres.start(tmp_path / "pg")


def test_a_plain_user_starts_a_server_as_well(tmp_path):
    """Where the tests are run by root, a namespace makes somebody else of it."""
    somebody = ["unshare", "--user", "--map-user=65534", "--map-group=65534", "--"] if AS_ROOT else []
    with subprocess.Popen([*somebody, *COMMAND, tmp_path / "pg"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        execute(str(started(process)["dsn"]), "SELECT 1")
        process.terminate()
    assert process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_and_the_server_in_order(tmp_path, number):
    with subprocess.Popen([*COMMAND, tmp_path / "pg"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        started(process)
        postmaster = postmaster_of(tmp_path / "pg")
        process.send_signal(number)

    assert process.returncode == 0
    assert not psutil.pid_exists(postmaster)
    assert "database system is shut down" in (tmp_path / "pg" / "server.log").read_text()


def test_a_killed_command_leaves_no_server_behind(tmp_path):
    with subprocess.Popen([*COMMAND, tmp_path / "pg"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        started(process)
        postmaster = postmaster_of(tmp_path / "pg")
        process.kill()
    await_end(postmaster)

    assert "database system is shut down" in (tmp_path / "pg" / "server.log").read_text()


def test_a_killed_starter_leaves_no_server_behind_though_a_process_that_it_forked_lives(tmp_path):
    """Such a process holds the pipe to the guard as well."""
    program = (
        "import os, sys, time; from pathlib import Path; from eventcore.local_postgres import LocalPostgres\n"
        "server = LocalPostgres.start(Path(sys.argv[1]))\n"
        "forked = os.fork()\n"
        "if forked: print(server.pid, forked, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, tmp_path / "pg"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        postmaster, forked = map(int, process.stdout.readline().split())
        process.kill()
        try:
            await_end(postmaster)
        finally:
            os.kill(forked, signal.SIGKILL)


def test_a_server_on_the_lifeline_of_another_ends_with_that(tmp_path):
    reading, writing = os.pipe()
    server = LocalPostgres.start(tmp_path / "pg", Settings(lifeline=reading, remove=True))
    os.close(reading)
    os.close(writing)
    server.wait()

    assert not (tmp_path / "pg").exists()
    server.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent was killed")
def test_a_killed_guard_leaves_no_server_behind(tmp_path):
    server = LocalPostgres.start(tmp_path / "pg")
    psutil.Process(server.pid).parent().kill()
    await_end(server.pid)
    server.stop()


def test_a_folder_with_a_living_server_is_refused(tmp_path):
    """Also one whose own lock file is gone, or names a process that cannot be seen from here, as in another container."""
    with LocalPostgres.start(tmp_path / "pg", Settings()) as server:
        (server.cluster.data / "postmaster.pid").unlink()
        with pytest.raises(DataFolderInUse, match=f"alive.*{server.port}"):
            LocalPostgres.start(tmp_path / "pg", Settings(patience=0.1))


def test_a_server_that_was_started_by_other_means_is_refused(tmp_path):
    """It holds no lock of ours; its own lock file names it."""
    with LocalPostgres.start(tmp_path / "other") as other:
        LocalPostgres.start(tmp_path / "pg").stop()
        shutil.copy(other.cluster.data / "postmaster.pid", tmp_path / "pg" / "cluster" / "postmaster.pid")
        with pytest.raises(DataFolderInUse, match=f"process {other.pid}, and was started by something else"):
            LocalPostgres.start(tmp_path / "pg")


def test_a_stale_lock_file_is_removed_though_its_number_is_another_process_now(tmp_path):
    LocalPostgres.start(tmp_path / "pg").stop()
    (tmp_path / "pg" / "cluster" / "postmaster.pid").write_text(f"{os.getpid()}\n{tmp_path}/pg/cluster\n1\n5432\n\n127.0.0.1\n\n")
    with LocalPostgres.start(tmp_path / "pg") as server:
        execute(server.dsn, "SELECT 1")


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(DataFolderUnusable, match=r"not empty.*thesis\.tex"):
        LocalPostgres.start(tmp_path)


def test_an_initdb_that_was_killed_half_way_is_begun_again(tmp_path):
    (tmp_path / "pg" / ".making-killed" / "cluster" / "base").mkdir(parents=True)
    with LocalPostgres.start(tmp_path / "pg") as server:
        execute(server.dsn, "SELECT 1")
    assert not list((tmp_path / "pg").glob(".making-*"))


def test_a_cluster_of_another_major_version_is_refused_and_stays_as_it_is(tmp_path):
    LocalPostgres.start(tmp_path / "pg", Settings(binaries=postgres_15())).stop()
    with pytest.raises(DataFolderUnusable, match=r"made by PostgreSQL 15, and the programs in .* are 18\."):
        LocalPostgres.start(tmp_path / "pg")
    LocalPostgres.start(tmp_path / "pg", Settings(binaries=postgres_15())).stop()


def test_a_port_that_is_taken_is_named(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} of 127.0.0.1 is taken"):
            LocalPostgres.start(tmp_path / "pg", Settings(port=port))


def test_a_server_that_ends_while_it_starts_shows_the_end_of_its_log(tmp_path):
    with pytest.raises(ServerFailed, match=r'unrecognized configuration parameter "no_such_thing"'):
        LocalPostgres.start(tmp_path / "pg", Settings(parameters={"no_such_thing": "1"}))


def test_programs_that_are_missing_name_the_extra(tmp_path, monkeypatch):
    monkeypatch.setenv("EVENTCORE_POSTGRES_BIN", str(tmp_path))
    with pytest.raises(PostgresNotInstalled, match=r"eventcore-py\[local-postgres\]"):
        LocalPostgres.start(tmp_path / "pg")
    monkeypatch.delenv("EVENTCORE_POSTGRES_BIN")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(PostgresNotInstalled, match=r"eventcore-py\[local-postgres\]"):
        LocalPostgres.start(tmp_path / "pg")


def test_the_command_says_what_is_wrong_and_fails(tmp_path):
    (tmp_path / "thesis.tex").touch()
    ended = subprocess.run([*COMMAND, tmp_path], capture_output=True, text=True, check=False)

    assert ended.returncode == 2
    assert ended.stderr.startswith("eventcore: the data folder")
    assert not ended.stdout
