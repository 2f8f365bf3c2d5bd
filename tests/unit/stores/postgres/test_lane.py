from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

import pytest

from eventcore.errors import StoreClosed
from eventcore.stores.postgres import lane as lane_module
from eventcore.stores.postgres.lane import Call, Lane


class Numbered(Call[int]):
    def __init__(self, number: int, weight: int = 1) -> None:
        super().__init__(weight)
        self.number = number


class Servers:
    """Two servers that note what they were given together, and answer when they may."""

    def __init__(self, *, max_weight: int = 1000, at_once: bool = False) -> None:
        self.taken: list[tuple[str, list[int]]] = []
        self.gates = {"first": asyncio.Event(), "second": asyncio.Event()}
        servers = [self.server("first"), self.server("second")]
        self.lane: Lane[Numbered] = Lane(
            "lane", servers, max_weight=max_weight, worth=8, at_once=at_once, refuse=lambda: StoreClosed("closed")
        )

    def server(self, name: str):
        async def serve(calls: Sequence[Numbered]) -> None:
            self.taken.append((name, [call.number for call in calls]))
            await self.gates[name].wait()
            for call in calls:
                call.give(call.number)

        return serve

    def ask(self, *numbers: int, weight: int = 1) -> list[asyncio.Task[int]]:
        return [asyncio.create_task(self.lane.ask(Numbered(number, weight))) for number in numbers]

    async def end(self) -> None:
        for gate in self.gates.values():
            gate.set()
        await self.lane.close()


async def a_moment() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def nobody_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a busy machine takes, nobody counts as held up."""
    monkeypatch.setattr(lane_module, "_HELD_UP", 3600.0)


@pytest.mark.usefixtures("nobody_helps")
@pytest.mark.parametrize("at_once", [True, False])
def test_a_lane_serves_at_once_or_waits_a_turn_for_company(at_once: bool):
    async def main():
        servers = Servers(at_once=at_once)
        calls = servers.ask(1, 2)
        await asyncio.sleep(0)
        # Before Python 3.12 no task can begin at once.
        assert servers.taken == ([("second", [1])] if at_once and sys.version_info >= (3, 12) else [])
        await a_moment()
        assert servers.taken[0] == ("second", [1] if at_once and sys.version_info >= (3, 12) else [1, 2])
        await servers.end()
        assert await asyncio.gather(*calls) == [1, 2]

    asyncio.run(main())


@pytest.mark.usefixtures("nobody_helps")
def test_a_lone_call_goes_at_once_and_what_comes_meanwhile_goes_together_after_it():
    async def main():
        servers = Servers()
        await a_moment()
        calls = servers.ask(1)
        await a_moment()
        calls += servers.ask(2, 3, 4)
        await a_moment()
        [(name, alone)] = servers.taken
        assert alone == [1]

        servers.gates[name].set()

        assert await asyncio.gather(*calls) == [1, 2, 3, 4]
        assert servers.taken[1:] == [(name, [2, 3, 4])]
        await servers.end()

    asyncio.run(main())


def test_where_much_waits_a_free_server_helps():
    async def main():
        servers = Servers()
        await a_moment()
        calls = servers.ask(0)
        await a_moment()
        calls += servers.ask(*range(1, 9))
        await a_moment()
        assert [numbers for _, numbers in servers.taken] == [[0], list(range(1, 9))]
        assert len({name for name, _ in servers.taken}) == 2
        await servers.end()
        await asyncio.gather(*calls)

    asyncio.run(main())


@pytest.mark.usefixtures("nobody_helps")
@pytest.mark.parametrize(
    ("weight", "shares"), [pytest.param(4, [[1, 2], [3, 4]], id="worth-two"), pytest.param(3, [[1, 2, 3, 4]], id="not-worth-two")]
)
def test_what_comes_at_once_is_divided_by_its_weight_among_the_free_where_each_share_is_worth_it(weight: int, shares: list[list[int]]):
    async def main():
        servers = Servers()
        await a_moment()
        calls = servers.ask(1, 2, 3, 4, weight=weight)
        await a_moment()
        assert [numbers for _, numbers in servers.taken] == shares
        assert len({name for name, _ in servers.taken}) == len(shares)
        await servers.end()
        await asyncio.gather(*calls)

    asyncio.run(main())


def test_who_waits_behind_one_that_is_held_up_is_helped_after_a_while():
    async def main():
        servers = Servers()
        await a_moment()
        held_up = servers.ask(1)
        await a_moment()
        name = servers.taken[0][0]
        other = "second" if name == "first" else "first"
        servers.gates[other].set()

        assert await asyncio.wait_for(asyncio.gather(*servers.ask(2, 3)), timeout=10) == [2, 3]

        assert servers.taken[1:] == [(other, [2, 3])]
        assert not held_up[0].done()
        await servers.end()

    asyncio.run(main())


def test_what_is_left_of_a_queue_that_was_too_much_at_once_is_not_left_behind():
    async def main():
        servers = Servers(max_weight=2)
        await a_moment()
        calls = servers.ask(1, 2, 3)
        await a_moment()
        name, numbers = servers.taken[0]
        assert numbers == [1, 2]
        servers.gates["second" if name == "first" else "first"].set()

        assert await asyncio.wait_for(calls[2], timeout=10) == 3
        await servers.end()

    asyncio.run(main())


@pytest.mark.usefixtures("nobody_helps")
def test_who_went_away_is_left_out_and_a_closed_lane_refuses():
    async def main():
        servers = Servers()
        await a_moment()
        calls = servers.ask(1)
        await a_moment()
        calls += servers.ask(2, 3)
        await a_moment()
        calls[1].cancel()
        await a_moment()
        await servers.end()
        assert await calls[2] == 3
        assert servers.taken[1][1] == [3]
        with pytest.raises(StoreClosed):
            await servers.lane.ask(Numbered(4))

    asyncio.run(main())


def test_one_at_a_time_takes_all_that_waits_and_is_not_helped():
    async def main():
        servers = Servers()
        servers.lane.one_at_a_time = True
        await a_moment()
        calls = servers.ask(0)
        await a_moment()
        calls += servers.ask(*range(1, 40))
        await asyncio.sleep(0.03)  # long after a free task would have helped
        [(name, alone)] = servers.taken
        assert alone == [0]

        servers.gates[name].set()

        assert await asyncio.gather(*calls) == list(range(40))
        assert servers.taken[1:] == [(name, list(range(1, 40)))]
        await servers.end()

    asyncio.run(main())


def test_of_two_at_work_one_is_spare_from_then_on_and_nothing_is_left():
    async def main():
        servers = Servers()
        await a_moment()
        calls = servers.ask(0)
        await a_moment()
        calls += servers.ask(*range(1, 10))
        await a_moment()
        (one, _), (other, _) = servers.taken
        assert one != other
        servers.lane.one_at_a_time = True
        calls += servers.ask(*range(10, 40))
        await a_moment()

        servers.gates[other].set()
        await a_moment()
        assert len(servers.taken) == 2
        servers.gates[one].set()

        assert await asyncio.gather(*calls) == list(range(40))
        assert {name for name, _ in servers.taken[2:]} == {one}
        calls = servers.ask(40, 41)
        await a_moment()
        await servers.end()
        assert await asyncio.gather(*calls) == [40, 41]

    asyncio.run(main())
