from __future__ import annotations

from eventcore.execute.trust import Trust


def asked(trust: Trust, times: int) -> list[bool]:
    return [trust.worth_it() for _ in range(times)]


def test_kept_states_are_trusted_until_decisions_on_them_are_refused_more_often_than_not():
    trust = Trust()
    assert all(asked(trust, 100))
    for _ in range(100):
        trust.refused()
        trust.committed()
        trust.committed()
    assert all(asked(trust, 100))

    for _ in range(100):
        trust.refused()

    assert asked(trust, 31) == [False] * 31


def test_one_command_in_many_tries_whether_others_have_gone_away_and_trust_comes_back_with_what_it_finds():
    trust = Trust()
    for _ in range(100):
        trust.refused()
    assert sum(asked(trust, 320)) == 10

    for _ in range(30):
        trust.committed()

    assert all(asked(trust, 100))
