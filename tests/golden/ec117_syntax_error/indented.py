from __future__ import annotations


def f():
return 1
