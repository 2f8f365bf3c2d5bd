from __future__ import annotations

import io

from eventcore_codegen.progress import TerminalProgress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(stream: io.StringIO, seconds: list[float]) -> str:
    now = [0.0]
    progress = TerminalProgress(stream, lambda: now[0])
    for number, second in enumerate(seconds, start=1):
        now[0] = second
        progress(number, 100)
    progress.end()
    return stream.getvalue()


def test_a_run_of_less_than_a_second_shows_nothing():
    assert shown(Terminal(), [0.1, 0.5, 0.99]) == ""


def test_a_long_run_shows_how_far_it_is_and_leaves_nothing_behind():
    clear = "\r\x1b[K"
    assert shown(Terminal(), [0.5, 1.2, 1.21, 1.35]) == f"{clear}eventcore: read 2 of 100 files{clear}eventcore: read 4 of 100 files{clear}"


def test_nothing_is_shown_where_nobody_looks():
    assert shown(io.StringIO(), [5.0]) == ""


def test_a_run_tells_of_every_file(source):
    from eventcore_codegen.pipeline import generate

    source.write({"cart.py": source.CART, "fill.py": source.HEAD + "from cart import Cart\n" + source.FILL})
    heard = []
    generate([source.root], base=source.root, write=True, progress=lambda done, total: heard.append((done, total)))
    assert heard == [(1, 2), (2, 2)]
