"""Bring a store up to date, and say what there was to do."""

from __future__ import annotations

import argparse
from typing import Final

from eventcore.cli.exits import OK
from eventcore.cli.look.opening import make, opened, said, url_of
from eventcore.cli.output import put, remark
from eventcore.errors import MigrationNeeded
from eventcore.stores.urls import StoreUrl

NEEDED: Final = 1

# Behind this an error tells what to do, which is what is being done.
_ADVICE: Final = "; run `eventcore migrate"


async def run(options: argparse.Namespace) -> int:
    url = url_of(options)
    problem = await _problem(url)
    if problem is None:
        put(f"eventcore: {url} is up to date, there was nothing to do")
        return OK
    if options.check:
        remark(said(problem))
        return NEEDED
    await make(url)
    put(f"eventcore: {url} is up to date", f"  before: {said(problem).partition(_ADVICE)[0]}")
    return OK


async def _problem(url: StoreUrl) -> MigrationNeeded | None:
    try:
        async with opened(url):
            return None
    except MigrationNeeded as error:
        return error
