"""Ways around constructors, for what is made many times for each command: one is a function of Python, and costs as much as some of these."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

# What is made is of the class that is given, and whoever asks says so: these have no better types than `Any`.
new_tuple: Final = cast("Callable[[type[Any], tuple[object, ...]], Any]", tuple.__new__)  # pyright: ignore[reportUnknownMemberType]
"""Make a named tuple from all its fields, in their order."""

new_object: Final = cast("Callable[[type[Any]], Any]", object.__new__)
"""Make an object without any of its attributes; the caller sets them all."""
