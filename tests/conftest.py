"""What all tests share: how the drawn ones draw."""

from __future__ import annotations

import hypothesis

from tests.soak import SOAKING

# The same examples in each run, so that a test which fails fails for everyone; a soak looks for others, and prints how to have them again.
hypothesis.settings.register_profile("same", deadline=None, derandomize=True)
hypothesis.settings.register_profile("soak", deadline=None, max_examples=2_500, print_blob=True)
hypothesis.settings.load_profile("soak" if SOAKING else "same")
