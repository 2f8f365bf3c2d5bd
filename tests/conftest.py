"""What all tests share: how long the seeded ones run."""

from __future__ import annotations

import os

import hypothesis

# `make soak` sets EVENTCORE_SOAK. Either way failures are reproducible: hypothesis prints the example, and `default` draws the same ones each time.
hypothesis.settings.register_profile("default", deadline=None, derandomize=True)
hypothesis.settings.register_profile("soak", deadline=None, max_examples=5_000)
hypothesis.settings.load_profile("soak" if os.environ.get("EVENTCORE_SOAK") else "default")
