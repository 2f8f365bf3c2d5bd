from __future__ import annotations

import pytest

from eventcore.execute.trust import Trust


def test_kept_states_are_trusted_until_more_of_them_are_outdated_than_not():
    trust = Trust()
    assert trust.worth_it()
    for _ in range(100):
        trust.outdated()
        trust.current()
        trust.current()
    assert trust.worth_it()

    for _ in range(100):
        trust.outdated()

    assert not trust.worth_it()


def test_what_reads_bring_tells_when_others_have_gone_away():
    trust = Trust()
    for _ in range(100):
        trust.outdated()

    for _ in range(100):
        trust.compare([3, 5], [3, 6])
    assert not trust.worth_it()
    for _ in range(100):
        trust.compare([3, 6], [3, 6])

    assert trust.worth_it()
    assert not trust.shaken


def test_a_read_of_what_was_not_kept_says_nothing():
    trust = Trust()
    for _ in range(100):
        trust.outdated()

    for _ in range(100):
        trust.compare([0, 6], [3, 6])

    assert not trust.worth_it()


@pytest.mark.parametrize(("outdated", "shaken"), [(1, False), (5, True)])
def test_trust_is_shaken_long_before_it_is_lost(outdated: int, shaken: bool):
    trust = Trust()
    for _ in range(outdated):
        trust.outdated()

    assert trust.shaken is shaken
    assert trust.worth_it()
