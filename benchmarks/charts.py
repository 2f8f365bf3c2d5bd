"""Draw benchmarks/series.json and the latencies of the rows into docs/images/benchmarks: `python -m benchmarks.charts`.

Their colours are variables, as those of docs/figures.py: the site sets them for its light and its dark scheme, and a picture that stands alone
takes the reader's.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parent
IMAGES: Final = ROOT.parent / "docs" / "images" / "benchmarks"
SERIES: Final = ROOT / "series.json"
DETAILS: Final = ROOT / "details.json"

WIDTH, HEIGHT = 760, 340
LEFT, RIGHT, TOP, BOTTOM = 64, 20, 44, 48
_LETTER = 7
_LIGHT: Final = "--ink:#263238;--faint:#607d8b;--line:#b0bec5;--mark:#00796b;--alert:#c62828"
_DARK: Final = "--ink:#eceff1;--faint:#90a4ae;--line:#546e7a;--mark:#4db6ac;--alert:#ef9a9a"
_STYLE: Final = f"""\
svg.figure{{{_LIGHT};font-family:system-ui,sans-serif;font-size:13px}}
@media(prefers-color-scheme:dark){{svg.figure{{{_DARK}}}}}
svg.figure text{{fill:var(--ink)}} svg.figure .faint{{fill:var(--faint)}}
svg.figure path{{fill:none;stroke:var(--line)}} svg.figure path.curve{{stroke-width:2.5}}
svg.figure .first{{stroke:var(--mark)}} svg.figure .second{{stroke:var(--alert)}} svg.figure .third{{stroke:var(--faint);stroke-dasharray:7 4}}
svg.figure circle{{stroke-width:2}} svg.figure circle.first{{fill:var(--mark)}} svg.figure circle.second{{fill:var(--alert)}}
svg.figure circle.third{{fill:var(--faint);stroke-dasharray:none}}
svg.figure rect{{fill:var(--mark);stroke:none}} svg.figure rect.less{{fill:var(--faint)}}"""
_KINDS: Final = ("first", "second", "third")


class Point(NamedTuple):
    """A median, and the least and the greatest of its rounds."""

    x: float
    y: float
    least: float
    most: float


class Scale(NamedTuple):
    """Maps values to pixels, by their logarithm."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        share = (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return round(self.start + share * (self.end - self.start), 1)


def lines(title: str, axis: str, unit: str, curves: Mapping[str, Sequence[Point]], ticks: Mapping[float, str] | None = None) -> str:
    """Draw curves over two logarithmic axes."""
    points = [point for curve in curves.values() for point in curve]
    xs = sorted({point.x for point in points})
    across = Scale(xs[0], max(xs[-1], xs[0] * 1.01), LEFT + 16, WIDTH - RIGHT - 16)
    up = Scale(*_bounds([point.least for point in points], [point.most for point in points]), HEIGHT - BOTTOM, TOP)
    parts = [*_grid(up, unit), *(_text(across.at(x), HEIGHT - 28, ticks[x] if ticks else f"{x:,g}", "faint", "middle") for x in xs)]
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, axis, "faint", "middle"))
    at = float(LEFT)
    for kind, (name, curve) in zip(_KINDS, curves.items(), strict=False):
        parts += _curve(curve, across, up, kind)
        parts += [f'<path d="M{at:g} 16h26" class="curve {kind}"/>', _text(at + 34, 20, name)]
        at += 34 + len(name) * _LETTER + 26
    return _picture(title, parts)


def _curve(curve: Sequence[Point], across: Scale, up: Scale, kind: str) -> Iterable[str]:
    path = "L".join(f"{across.at(point.x):g} {up.at(point.y):g}" for point in curve)
    yield f'<path d="M{path}" class="curve {kind}"/>'
    for point in curve:
        x = across.at(point.x)
        yield f'<path d="M{x:g} {up.at(point.least):g}V{up.at(point.most):g}" class="{kind}"/>'
        yield f'<circle cx="{x:g}" cy="{up.at(point.y):g}" r="3.5" class="{kind}"/>'


def _bounds(least: Sequence[float], most: Sequence[float]) -> tuple[float, float]:
    low, high = min(least), max(most)
    return low / 1.3, high * 1.3


def _grid(up: Scale, unit: str) -> Iterable[str]:
    exponent = math.floor(math.log10(up.low))
    values = [step * 10.0**power for power in range(exponent, exponent + 8) for step in (1, 2, 5)]
    for value in values:
        if up.low <= value <= up.high:
            yield f'<path d="M{LEFT} {up.at(value):g}H{WIDTH - RIGHT}"/>'
            yield _text(LEFT - 8, up.at(value) + 4, f"{value:,g}", "faint", "end")
    yield _text(0, TOP - 8, unit, "faint")


def bars(title: str, unit: str, values: Mapping[str, Mapping[str, float]]) -> str:
    """Draw groups of bars that lie, the first of each group in the colour of what comes as it is."""
    parts, y = list[str](), 8.0
    for group, found in values.items():
        parts.append(_text(0, y + 14, f"{group}, {unit}", "faint"))
        y += 24
        greatest = max(found.values())
        for number, (name, value) in enumerate(found.items()):
            width = round(400 * value / greatest, 1)
            parts.append(_text(232, y + 14, name, "", "end"))
            parts.append(f'<rect x="240" y="{y:g}" width="{width:g}" height="18" rx="2" class="{"less" if number else ""}"/>')
            parts.append(_text(248 + width, y + 14, f"{value:,.0f}"))
            y += 24
        y += 12
    return _picture(title, parts, height=int(y))


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:g}" y="{y:g}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>'


def _picture(title: str, parts: Sequence[str], *, height: int = HEIGHT) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-2 0 {WIDTH + 4} {height}" class="figure">'
    return "\n".join([head, f"<title>{escape(title)}</title>", f"<style>{_STYLE}</style>", *parts, "</svg>"]) + "\n"


def pictures(series: Mapping[str, Any], details: Mapping[str, Any]) -> dict[str, str]:
    """Return each picture that the figures measured so far allow, by its name. They were read from JSON: hence `Any`."""
    drawn = {name: _chart(series[name]) for name in ("concurrency", "hotness", "history") if name in series}
    if "ablation" in series:
        drawn["ablation"] = bars(
            "Transfers per second as it comes, and with parts of it off", "transfers per second", series["ablation"]["values"]
        )
    if {"pg-64-asyncpg", "pg-64-asyncpg-cold"} <= details.keys():
        drawn["latency"] = _latency(details)
    return drawn


def _chart(found: Mapping[str, Any]) -> str:
    curves = {name: [Point(*point) for point in points] for name, points in found["lines"].items()}
    return lines(found["title"], found["axis"], "per second" if found["figure"] == "rate" else "ms", curves)


def _latency(details: Mapping[str, Any]) -> str:
    """Draw how long commands take, by the share that takes no longer."""
    sides = {
        "eventcore": details["pg-64-asyncpg"]["ours"],
        "asyncpg by hand": details["pg-64-asyncpg"]["against"],
        "eventcore, no cache": details["pg-64-asyncpg-cold"]["ours"],
    }
    shares = {"p50": 2.0, "p90": 10.0, "p95": 20.0, "p99": 100.0, "p99.9": 1000.0}

    def point(side: Mapping[str, Any], share: str) -> Point:
        values = sorted(one[share] for one in side["rounds"])
        return Point(shares[share], values[len(values) // 2], values[0], values[-1])

    curves = {name: [point(side, share) for share in shares] for name, side in sides.items()}
    title = "Milliseconds that a share of transfers does not exceed, 64 at a time"
    return lines(title, "share of the transfers", "ms", curves, {x: share for share, x in shares.items()})


def draw() -> None:
    """Write all pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name, text in current().items():
        (IMAGES / f"{name}.svg").write_text(text, encoding="utf-8")


def current() -> dict[str, str]:
    """Return the pictures of the figures that are committed."""
    load: Callable[[Path], dict[str, Any]] = lambda file: json.loads(file.read_text()) if file.exists() else {}  # noqa: E731
    return pictures(load(SERIES), load(DETAILS))


if __name__ == "__main__":
    draw()
