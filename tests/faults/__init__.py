"""What goes wrong between a store and its server, made to happen; and a judge who looks at what was left behind.

* `wire` cuts a connection's bytes into PostgreSQL's messages
* `proxy` stands between the store and the server, and cuts, holds, delays, refuses or swallows
* `judge` compares what callers and readers were told with what is stored
* `workload` is clients who transfer money, and readers who follow; `process_lab` runs it in processes of its own
"""
