"""What is raised inside the codec, and how values are shown in its messages."""

from __future__ import annotations

from typing import Final, final

MISSING: Final = object()


@final
class Misfit(ValueError):
    """A value that does not fit its place. *path* is where, relative to the outermost value: ``.lines[2].price``.

    It is made where the value is and gains its path on the way out, so that no path is built for values that fit.
    """

    def __init__(self, problem: str, path: str = "") -> None:
        self.problem = problem
        self.path = path
        super().__init__(problem, path)

    def under(self, segment: str) -> None:
        """Put *segment* in front of the path."""
        self.path = segment + self.path

    def __str__(self) -> str:
        return f"${self.path}: {self.problem}"


def unfit(value: object, expected: str) -> Misfit:
    """Return the misfit of a Python value that is about to be stored."""
    return Misfit(f"expected {expected}, got {shown(value)} ({type(value).__name__})")


def unread(raw: object, expected: str) -> Misfit:
    """Return the misfit of a JSON value that was stored."""
    return Misfit(f"expected {expected}, got {shown(raw)}")


def key_segment(key: object) -> str:
    """Return the path segment of a field or a key."""
    return f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{shown(key)}]"


def an(cls: type) -> str:
    """Return the name of a class with the article that goes before it."""
    name = cls.__name__
    return f"an {name}" if name[0] in "aeiouAEIO" else f"a {name}"


def shown(value: object, limit: int = 80) -> str:
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # integers of more than 4300 digits; values nested too deeply or in themselves
        return f"{an(type(value))} that is too large to show"
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
