"""Do one share of a job that several processes do together. Started by `benchmarks.banks`."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
from pathlib import Path
from typing import cast

from benchmarks.banks import OpenBank, do_share
from benchmarks.jobs import Job
from benchmarks.work import Place, Work


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("contestant")
    for option in ("--variant", "--job", "--dsn"):
        parser.add_argument(option, required=True)
    for option in ("--seed", "--share"):
        parser.add_argument(option, required=True, type=int)
    options = parser.parse_args()
    work = Work(Job(*json.loads(options.job)), seed=options.seed)
    open_bank = cast("OpenBank", importlib.import_module(f"benchmarks.contestants.{options.contestant}").open_bank)
    asyncio.run(do_share(open_bank, work, options.share, variant=options.variant, place=Place(Path(), options.dsn)))


if __name__ == "__main__":
    main()
