from __future__ import annotations

import asyncio

import onefile
from desk import clock

asyncio.run(clock.main())
asyncio.run(onefile.main())
