"""Source files to the model. libcst is used in `parse`, `tree` and `expressions` alone; from there on everything is a value of `syntax`."""

from __future__ import annotations

from eventcore_codegen.scan.project import Scan, scan, scan_sources

__all__ = ["Scan", "scan", "scan_sources"]
