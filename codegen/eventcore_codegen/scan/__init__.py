"""Source files to the model. libcst is used in `parse`, `tree` and `expressions` alone; from there on everything is a value of `syntax`."""

from __future__ import annotations

from eventcore_codegen.scan.project import FileScan, Scan, scan, scan_file, scan_sources
from eventcore_codegen.scan.universe import Loader

__all__ = ["FileScan", "Loader", "Scan", "scan", "scan_file", "scan_sources"]
