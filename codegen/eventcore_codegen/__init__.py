"""Typed streams, writes and tables for the commands in a user's source.

scan (source text to model) -> check (rules over the model) -> render (model to text) -> write (text to disk); `pipeline` calls them in
order. A user's module is read, never imported, and nothing of the runtime is imported either: generating works on code that cannot run yet.
"""
