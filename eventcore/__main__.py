"""``python -m eventcore``: the command `eventcore`."""

from __future__ import annotations

import sys

from eventcore.cli import main

if __name__ == "__main__":
    sys.exit(main())
