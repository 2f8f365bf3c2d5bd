from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventcore import InvalidArgument, RetryPolicy


def test_the_first_retry_goes_at_once_and_the_others_wait_longer_each_time():
    policy = RetryPolicy(initial_delay=0.1, multiplier=2, max_delay=0.5, jitter=0)

    assert [policy.delay(attempt) for attempt in range(1, 7)] == [0, 0.1, 0.2, 0.4, 0.5, 0.5]


@given(st.integers(1, 10**9), st.floats(0, 1), st.floats(1, 100))
def test_a_delay_stays_between_the_jittered_and_the_full_one(attempt, jitter, multiplier):
    policy = RetryPolicy(initial_delay=0.01, max_delay=1, multiplier=multiplier, jitter=jitter)
    full = RetryPolicy(initial_delay=0.01, max_delay=1, multiplier=multiplier, jitter=0).delay(attempt)

    assert full * (1 - jitter) - 1e-9 <= policy.delay(attempt) <= full <= 1


@pytest.mark.parametrize(
    "wrong",
    [
        *({"max_attempts": 0}, {"initial_delay": -1}, {"max_delay": -1}, {"multiplier": 0.5}, {"jitter": 2}, {"deadline": 0}),
        *({"max_attempts": 1.5}, {"max_attempts": None}, {"max_delay": None}, {"jitter": ()}),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(wrong):
    [(name, value)] = wrong.items()
    with pytest.raises(InvalidArgument, match=re.escape(f"RetryPolicy({name}={value}): expected")):
        RetryPolicy(**wrong)


def test_every_setting_is_a_keyword():
    with pytest.raises(TypeError):
        RetryPolicy(5)


@pytest.mark.parametrize(("multiplier", "attempt"), [(1.05, 200), (1e10, 60), (10, 5_000), (1e300, 4)])
def test_the_longest_wait_is_reached_however_slowly_or_fast_it_grows(multiplier: float, attempt: int) -> None:
    policy = RetryPolicy(multiplier=multiplier)

    assert policy.delay(attempt, uniform=lambda low, high: low) == policy.max_delay
    assert RetryPolicy(multiplier=multiplier, initial_delay=0).delay(attempt) == 0
