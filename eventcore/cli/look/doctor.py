"""Examine a store, and tell what was found: for people, or as one JSON object."""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Final

from eventcore.cli.exits import OK
from eventcore.cli.look.opening import PATIENCE, given, url_of
from eventcore.cli.look.terminal import Style, Terminal, harmless
from eventcore.cli.output import put
from eventcore.stores.findings import Area, Finding, Report, Severity, worst
from eventcore.stores.redaction import scrubbed
from eventcore.stores.urls import PostgresUrl, StoreUrl

CODES: Final[Mapping[Severity, int]] = {"ok": OK, "info": OK, "warning": 1, "error": 2}

_STYLES: Final[Mapping[Severity, Style]] = {"ok": "green", "info": "cyan", "warning": "yellow", "error": "red"}
_NAME_WIDTH: Final = 13
_SEVERITY_WIDTH: Final = 7
_INDENT: Final = " " * (_SEVERITY_WIDTH + 2)


async def run(options: argparse.Namespace) -> int:
    url = url_of(options)
    report = await _examined(url)
    if options.json:
        put(_without_passwords(json.dumps(_as_json(url, report))))
    else:
        put(*map(_without_passwords, lines(url, report, Terminal.of_stdout())))
    return CODES[_severity(report)]


async def _examined(url: StoreUrl) -> Report:
    if isinstance(url, PostgresUrl):
        from eventcore.stores.postgres import doctor  # noqa: PLC0415  # a driver takes long to import, and not everybody has it

        return await doctor.examine(url.dsn, schema=url.schema, patience=PATIENCE)
    from eventcore.stores.sqlite import doctor as of_files  # noqa: PLC0415

    return await of_files.examine(url.path)


def _severity(report: Report) -> Severity:
    return worst(area.severity for area in report)


def lines(url: StoreUrl, report: Report, terminal: Terminal) -> Iterator[str]:
    yield f"{terminal.styled('eventcore doctor', 'bold')}  {harmless(str(url))}"
    yield ""
    for area in report:
        head = terminal.styled(area.severity.ljust(_SEVERITY_WIDTH), _STYLES[area.severity])
        first, *others = _wrapped(area.summary, terminal, len(_INDENT) + _NAME_WIDTH)
        yield f"{head}  {terminal.styled(area.name.ljust(_NAME_WIDTH), 'bold')}{first}"
        yield from (f"{_INDENT}{' ' * _NAME_WIDTH}{line}" for line in others)
        for finding in area.findings:
            yield from _of_finding(finding, terminal)
    yield ""
    yield _verdict(report)


def _of_finding(finding: Finding, terminal: Terminal) -> Iterator[str]:
    kind = finding.kind
    yield _INDENT + terminal.styled(f"{kind.severity}: {finding.code}", _STYLES[kind.severity])
    for name, text in (("found", finding.what), ("means", kind.meaning), ("do", kind.advice)):
        first, *others = _wrapped(text, terminal, len(_INDENT) + 9)
        yield f"{_INDENT}  {terminal.styled(name.ljust(7), 'dim')}{first}"
        yield from (f"{_INDENT}         {line}" for line in others)


def _wrapped(text: str, terminal: Terminal, taken: int) -> list[str]:
    text = harmless(" ".join(text.split()))
    if terminal.width is None:
        return [text]
    return textwrap.wrap(text, max(20, terminal.width - taken), break_long_words=False, break_on_hyphens=False) or [""]


def _verdict(report: Report) -> str:
    counts: dict[Severity, int] = {}
    for area in report:
        for finding in area.findings:
            counts[finding.kind.severity] = counts.get(finding.kind.severity, 0) + 1
    words: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "remark"}
    told = [f"{counts[severity]} {word}{'' if counts[severity] == 1 else 's'}" for severity, word in words.items() if severity in counts]
    return ", ".join(told) or "Nothing is wrong."


def _as_json(url: StoreUrl, report: Report) -> dict[str, object]:
    return {
        "store": str(url),
        "kind": "postgresql" if isinstance(url, PostgresUrl) else "sqlite",
        "severity": _severity(report),
        "areas": [{"name": area.name, "severity": area.severity, "summary": area.summary, "facts": area.facts} for area in report],
        "findings": [_finding_as_json(area, finding) for area in report for finding in area.findings],
    }


def _finding_as_json(area: Area, finding: Finding) -> dict[str, object]:
    return {
        "code": finding.code,
        "severity": finding.kind.severity,
        "area": area.name,
        "found": finding.what,
        "means": finding.kind.meaning,
        "do": finding.kind.advice,
        "facts": finding.facts,
    }


def _without_passwords(text: str) -> str:
    """Take out what the user gave, should a server or a driver have said it."""
    return scrubbed(text, *given())
