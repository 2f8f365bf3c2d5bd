"""The servers that tests run against. None is looked for and then skipped: where one cannot be started, the test fails and says what to install.

Fixtures, of tests/conftest.py:

* ``postgres``: the DSN of a database of this process on PostgreSQL 18 (the wheel's), or on the server that EVENTCORE_TEST_POSTGRES names;
* ``postgres15``: the same on PostgreSQL 15 (Debian's);
* ``schema``: a name for a schema in either, new for each test, dropped afterwards;
* ``postgres_tls``: a `tls.TlsServer`, PostgreSQL 15 that takes TLS connections alone;
* ``pgbouncer``: the DSN of the database of ``postgres`` through pgbouncer in transaction mode.

These servers are shared by all workers of a run, start when they are first asked for, and end with the run. They are fast: a crash would lose data.

For a test of its own:

* `durable.durable_server(tmp_path)`: keeps what it acknowledged; ``.dsn``, ``.kill()``, ``.kill(backends=True)``, ``.restart()``;
* `full_disk.full_disk_server(tmp_path)`: a database on a disk of 32 MB; ``.dsn``, ``.fill()``, ``.relieve()``;
* `pooler.pgbouncer_before(dsn, folder, pool_size=8)`: a pgbouncer of its own.

DSNs have the password in them. `run.execute(dsn, *statements)` and `run.database(dsn, name)` are there for what a test sets up.
"""
