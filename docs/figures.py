"""Draws the pictures of docs/explanation: ``python docs/figures.py`` writes them into docs/images.

Their colours are variables: the site sets them for its light and its dark scheme, and a picture that stands alone takes the reader's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Final

IMAGES: Final = Path(__file__).resolve().parent / "images"

_WIDTH: Final = 760
_LIGHT: Final = "--ink:#263238;--faint:#607d8b;--line:#b0bec5;--box:#eceff1;--state:#e0f2f1;--mark:#00796b;--alert:#c62828;--ground:#ffffff"
_DARK: Final = "--ink:#eceff1;--faint:#90a4ae;--line:#546e7a;--box:#37474f;--state:#1b4b48;--mark:#4db6ac;--alert:#ef9a9a;--ground:#1e2129"
_STYLE: Final = f"""\
svg.figure{{{_LIGHT};font-family:system-ui,sans-serif;font-size:14px}}
@media(prefers-color-scheme:dark){{svg.figure{{{_DARK}}}}}
svg.figure text{{fill:var(--ink)}} svg.figure .code{{font-family:ui-monospace,monospace;font-size:12.5px}}
svg.figure .faint{{fill:var(--faint)}} svg.figure .mark{{fill:var(--mark)}} svg.figure .alert{{fill:var(--alert)}}
svg.figure rect{{fill:var(--box);stroke:var(--line)}} svg.figure rect.state{{fill:var(--state);stroke:var(--mark)}}
svg.figure rect.wanted{{fill:none;stroke:var(--mark);stroke-dasharray:4 3}} svg.figure rect.new{{fill:var(--state);stroke:var(--mark);stroke-width:2}}
svg.figure rect.other{{fill:var(--ground);stroke:var(--alert);stroke-width:2}}
svg.figure rect.frame{{fill:none;stroke:var(--mark);stroke-dasharray:6 4}}
svg.figure path{{fill:none;stroke:var(--faint);stroke-width:1.5}} svg.figure path.rail{{stroke:var(--line)}}
svg.figure path.again{{stroke:var(--alert)}}
svg.figure path.tip{{fill:var(--faint);stroke:none}} svg.figure path.tip.again{{fill:var(--alert)}}"""

_EVENT_WIDTH: Final = 118
_ROW: Final = 46


class Drawing:
    """A picture that grows by the shapes put onto it."""

    def __init__(self, title: str, height: int) -> None:
        self._title = title
        self._height = height
        self._parts: list[str] = []

    def text(self, x: float, y: float, text: str, kind: str = "", *, anchor: str = "start") -> None:
        self._parts.append(f'<text x="{x:g}" y="{y:g}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>')

    def box(self, x: float, y: float, text: str, kind: str = "", *, width: float = _EVENT_WIDTH, height: float = 30) -> None:
        self._parts.append(f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="4" class="{kind}"/>')
        self.text(x + width / 2, y + height / 2 + 4.5, text, "code", anchor="middle")

    def frame(self, x: float, y: float, width: float, height: float) -> None:
        self._parts.append(f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="8" class="frame"/>')

    def line(self, path: str, kind: str = "") -> None:
        self._parts.append(f'<path d="{path}" class="{kind}"/>')

    def arrow(self, x1: float, y1: float, x2: float, y2: float, kind: str = "") -> None:
        """Draw a straight arrow, along one axis."""
        self.line(f"M{x1:g} {y1:g}L{x2:g} {y2:g}", kind)
        self.tip(x2, y2, "right" if x2 > x1 else "left" if x2 < x1 else "down" if y2 > y1 else "up", kind)

    def tip(self, x: float, y: float, towards: str, kind: str = "") -> None:
        shape = {"right": "-8-4.5v9z", "left": "8-4.5v9z", "down": "-4.5-8h9z", "up": "-4.5 8h9z"}[towards]
        self._parts.append(f'<path d="M{x:g} {y:g}l{shape}" class="tip {kind}"/>')

    def stream(self, y: float, name: str, events: list[str | tuple[str, str]], *, note: str = "") -> None:
        """Draw a stream: its name, its events on a rail, a note at the right."""
        self.text(0, y + 20, name, "code")
        self.line(f"M104 {y + 15:g}H560", "rail")
        for at, event in enumerate(events):
            text, kind = event if isinstance(event, tuple) else (event, "")
            self.box(116 + at * (_EVENT_WIDTH + 14), y, text, kind)
        if note:
            self.text(572, y + 20, note, "faint")

    def __str__(self) -> str:
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-2 0 {_WIDTH + 4} {self._height}" class="figure">'
        return "\n".join([head, f"<title>{escape(self._title)}</title>", f"<style>{_STYLE}</style>", *self._parts, "</svg>"]) + "\n"


def overview() -> Drawing:
    drawing = Drawing(
        "One attempt: read, fold, handle, validate, append; back to read for streams that were asked for, and on a conflict", 178
    )
    names = ["1 read", "2 fold", "3 handle", "5 validate", "6 append"]
    for at, name in enumerate(names):
        x = 90 + at * 120
        drawing.box(x, 66, name, "state", width=92, height=40)
        if at:
            drawing.arrow(x - 28, 86, x - 3, 86)
    drawing.text(0, 90, "execute", "code")
    drawing.arrow(58, 86, 87, 86)
    drawing.arrow(662, 86, 690, 86)
    drawing.text(696, 90, "result", "code")
    drawing.line("M376 66V38H150V58", "")
    drawing.tip(150, 64, "down")
    drawing.text(263, 28, "4 streams were asked for", "faint", anchor="middle")
    drawing.line("M616 106V142H122V114", "again")
    drawing.tip(122, 108, "up", "again")
    drawing.text(369, 164, "7 conflict: the news", "alert", anchor="middle")
    return drawing


def read() -> Drawing:
    drawing = Drawing("Reading: three streams, cut at one moment, each with its version", 186)
    drawing.stream(30, "show", ["ShowAnnounced"], note="version 1")
    drawing.stream(30 + _ROW, "seat A-1", ["SeatBooked", "SeatFreed"], note="version 2")
    drawing.stream(30 + 2 * _ROW, "booking", [], note="version 0: nothing yet")
    drawing.line("M528 16V164", "again")
    drawing.text(528, 180, "one snapshot", "alert", anchor="middle")
    return drawing


def fold() -> Drawing:
    drawing = Drawing("Folding: apply takes each event of a stream in turn, from an empty state to the newest", 124)
    drawing.text(0, 31, "seat A-1", "code")
    drawing.line("M104 26H640", "rail")
    for at, (event, state) in enumerate([("", "Seat()"), ("SeatBooked", "Seat('Ada')"), ("SeatFreed", "Seat(None)")]):
        x = 116 + at * 190
        drawing.box(x, 80, state, "state")
        if at:
            drawing.box(x, 11, event)
            drawing.arrow(x - 72, 95, x - 3, 95)
            drawing.text(x - 38, 88, "apply", "faint", anchor="middle")
            drawing.arrow(x + 59, 41, x + 59, 77)
    drawing.text(0, 100, "states", "faint")
    return drawing


def handle() -> Drawing:
    drawing = Drawing("Handle: states and the command go in, wanted writes or a rejection come out", 186)
    for at, state in enumerate(["Show(bookable)", "Seat(None)", "Booking()"]):
        drawing.box(0, 12 + at * _ROW, state, "state", width=130)
        drawing.line(f"M130 {27 + at * _ROW}C190 {27 + at * _ROW} 190 73 242 73")
    drawing.tip(250, 73, "right")
    drawing.box(252, 46, "BookSeats.handle", width=170, height=54)
    drawing.arrow(422, 62, 497, 62)
    drawing.box(500, 24, "seat A-1 ← SeatBooked", "wanted", width=210)
    drawing.box(500, 62, "booking ← BookingMade", "wanted", width=210)
    drawing.text(605, 14, "wanted", "mark", anchor="middle")
    drawing.line("M337 100V146H412", "again")
    drawing.tip(420, 146, "right", "again")
    drawing.text(428, 151, "or CommandRejected, or nothing to write", "faint")
    return drawing


def discovery() -> Drawing:
    drawing = Drawing("Discovery: a run that asks for an unread stream ends, the stream is read, and handle runs again from the start", 170)
    drawing.box(0, 30, "handle, run 1", width=150, height=44)
    drawing.text(0, 94, "asks for seat A-1, seat A-2", "faint")
    drawing.text(0, 112, "ends at the first touch", "alert")
    drawing.arrow(150, 52, 262, 52)
    drawing.frame(265, 14, 210, 116)
    drawing.text(370, 148, "one read, one snapshot", "mark", anchor="middle")
    for at, (name, what) in enumerate([("seat A-1", "all"), ("seat A-2", "all"), ("booking", "what is new")]):
        drawing.text(285, 42 + at * 34, name, "code")
        drawing.text(380, 42 + at * 34, what, "faint")
    drawing.arrow(475, 52, 567, 52)
    drawing.box(570, 30, "handle, run 2", "state", width=150, height=44)
    drawing.text(570, 94, "from the start", "faint")
    drawing.text(570, 112, "its writes count", "mark")
    return drawing


def validate() -> Drawing:
    drawing = Drawing("Validating: each write is looked at, and the first that may not be ends the command", 160)
    rows = [
        ("seat A-1 ← SeatBooked", "wanted", "goes on", "mark"),
        ("show ← SeatBooked", "other", "ReadOnlyStreamWrite", "alert"),
        ("seat A-1 ← ShowAnnounced", "other", "UndeclaredEvent", "alert"),
    ]
    for at, (write, kind, verdict, colour) in enumerate(rows):
        y = 12 + at * _ROW
        drawing.box(0, y, write, kind, width=230)
        drawing.arrow(230, y + 15, 297, y + 15)
        drawing.text(306, y + 20, verdict, f"code {colour}")
    drawing.text(500, 78, "nothing is written if one is refused", "faint")
    return drawing


def append() -> Drawing:
    drawing = Drawing("Appending: every stream still has the version that was read, so both events are written, at once", 178)
    drawing.stream(14, "show", ["ShowAnnounced"], note="still 1? yes")
    drawing.stream(14 + _ROW, "seat A-1", ["SeatBooked", "SeatFreed", ("SeatBooked", "new")], note="still 2? yes")
    drawing.stream(14 + 2 * _ROW, "booking", [("BookingMade", "new")], note="still 0? yes")
    drawing.frame(564, 4, 150, 132)
    drawing.text(116, 168, "all versions hold: both events are written, in one transaction", "mark")
    return drawing


def conflict() -> Drawing:
    drawing = Drawing("A conflict: another command wrote to the seat first; its event comes back with the refusal", 178)
    drawing.stream(14, "show", ["ShowAnnounced"], note="still 1? yes")
    drawing.stream(14 + _ROW, "seat A-1", ["SeatBooked", "SeatFreed", ("SeatBooked", "other")])
    drawing.text(572, 14 + _ROW + 20, "still 2? no, it is 3", "alert")
    drawing.stream(14 + 2 * _ROW, "booking", [], note="still 0? yes")
    drawing.line("M439 92V138", "again")
    drawing.tip(439, 146, "down", "again")
    drawing.text(116, 168, "nothing is written; the other's event is folded, and handle runs again", "alert")
    return drawing


def _wire(title: str, lanes: tuple[str, ...], steps: list[tuple[str, ...]], foot: str) -> Drawing:
    """Draw who sends what to whom, time going down. A step is ("do", lane, text, kind) or ("send", from, to, text, kind)."""
    height = 84 + 36 * len(steps)
    drawing = Drawing(title, height)
    places = [130 + index * (500 // (len(lanes) - 1)) for index in range(len(lanes))]
    for place, lane in zip(places, lanes, strict=True):
        drawing.text(place, 18, lane, "faint", anchor="middle")
        drawing.line(f"M{place} 28V{height - 34}", "rail")
    for y, (what, lane, *rest) in enumerate(steps):
        at = 58 + 36 * y
        start = places[int(lane)]
        if what == "do":
            text, kind = rest
            width = 24 + 7.8 * len(text)
            drawing.box(start - width / 2, at - 16, text, kind, width=width, height=26)
        else:
            end, text, kind = places[int(rest[0])], *rest[1:]
            step = 4 if end > start else -4
            drawing.text((start + end) / 2, at - 7, text, kind and "alert", anchor="middle")
            drawing.arrow(start + step, at, end - step, at, kind)
    drawing.text(0, height - 10, foot, "mark")
    return drawing


_TWO: Final = ("your process", "the store")


def wire_cold() -> Drawing:
    steps = [
        ("send", "0", "1", "read a and b, from the beginning", ""),
        ("send", "1", "0", "all their events, of one moment", ""),
        ("do", "0", "fold, handle", "state"),
        ("send", "0", "1", "append, if a is still at 812 and b at 40", ""),
        ("send", "1", "0", "committed", ""),
        ("do", "0", "keep a 813, b 41", "new"),
    ]
    return _wire("Nothing is kept: one read of all streams, one append", _TWO, steps, "two round trips, and as many events as there are")


def wire_warm() -> Drawing:
    steps = [
        ("do", "0", "kept: a 813, b 41", "state"),
        ("do", "0", "handle", "state"),
        ("send", "0", "1", "append, if a is still at 813 and b at 41", ""),
        ("send", "1", "0", "committed", ""),
        ("do", "0", "keep a 814, b 42", "new"),
    ]
    return _wire("All streams are kept: no read, one append", _TWO, steps, "one round trip, however long the history")


def wire_conflict() -> Drawing:
    steps = [
        ("do", "0", "kept: a 814", "state"),
        ("send", "2", "1", "append to a", ""),
        ("do", "0", "handle", "state"),
        ("send", "0", "1", "append, if a is at 814", ""),
        ("send", "1", "0", "no: 815, by this event", "again"),
        ("do", "0", "fold it, handle", "state"),
        ("send", "0", "1", "append, if a is at 815", ""),
        ("send", "1", "0", "committed", ""),
    ]
    title = "A kept state was old: the refusal brings what is new, and the second append is committed"
    return _wire(title, (*_TWO, "another process"), steps, "two round trips, as many as with a read before")


def wire_confirm() -> Drawing:
    steps = [
        ("do", "0", "kept: a 816", "state"),
        ("do", "0", "handle rejects", "other"),
        ("send", "0", "1", "read what is new in a after 816", ""),
        ("send", "1", "0", "nothing", ""),
        ("do", "0", "CommandRejected", "other"),
    ]
    title = "A rejection that rests on kept states is confirmed by a read before anyone hears of it"
    return _wire(title, _TWO, steps, "one round trip; had there been news, handle would run again")


def wire_chain() -> Drawing:
    steps = [
        ("do", "0", "1st: handle on a 816", "state"),
        ("send", "0", "1", "append the 1st, if a is at 816", ""),
        ("do", "0", "2nd: handle on a 817", "wanted"),
        ("do", "0", "3rd: handle on a 818", "wanted"),
        ("send", "1", "0", "committed", ""),
        ("send", "0", "1", "append 2nd and 3rd as one, if a is at 817", ""),
        ("send", "1", "0", "committed, both", ""),
    ]
    title = "Commands that come while an append is under way are decided on the states that it will leave, and are sent together"
    return _wire(title, ("one executor", "the store"), steps, "two round trips for three commands on one stream; dashed: not written yet")


def wire_snapshot() -> Drawing:
    steps = [
        ("do", "0", "nothing is kept", "wanted"),
        ("send", "0", "1", "read a, from its snapshot of this kind", ""),
        ("send", "1", "0", "the state at 800, and 18 events after it", ""),
        ("do", "0", "fold 18, handle", "state"),
        ("send", "0", "1", "append, if a is at 818", ""),
        ("send", "1", "0", "committed", ""),
        ("send", "0", "1", "later: the state, where one is due", ""),
    ]
    return _wire(
        "A new process begins at a snapshot and reads only what came after", _TWO, steps, "two round trips, however long the history"
    )


FIGURES: Final[Mapping[str, Callable[[], Drawing]]] = {
    "overview": overview,
    "1-read": read,
    "2-fold": fold,
    "3-handle": handle,
    "4-discovery": discovery,
    "5-validate": validate,
    "6-append": append,
    "7-conflict": conflict,
    "wire-cold": wire_cold,
    "wire-warm": wire_warm,
    "wire-conflict": wire_conflict,
    "wire-confirm": wire_confirm,
    "wire-chain": wire_chain,
    "wire-snapshot": wire_snapshot,
}

if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    for name, draw in FIGURES.items():
        (IMAGES / f"{name}.svg").write_text(str(draw()), encoding="utf-8")
