"""The work of the commands that look at a store. Imported when one of them runs: stores and asyncio take longer to import than the generator runs."""
