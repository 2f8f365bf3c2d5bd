"""The reading half: projections that keep read models up to date with what is recorded."""

from __future__ import annotations

from eventcore.projections.context import Context
from eventcore.projections.declare import on, projection
from eventcore.projections.inline import end_inline, project_inline
from eventcore.projections.runner import ProjectionRunner, caught_up

__all__ = ["Context", "ProjectionRunner", "caught_up", "end_inline", "on", "project_inline", "projection"]
