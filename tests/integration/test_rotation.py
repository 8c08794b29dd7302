"""Tokens are renewed in time, one partner after the other, each at a moment of its own."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from ocpi_hub.delivery.rotation import Rotations
from ocpi_hub.modules.registrar import RegistrationFailed
from ocpi_hub.ocpi.primitives import ConnectionStatus
from ocpi_hub.routing.directory import PlatformId
from tests.delivery_fakes import AT, FakeJournal, FakePlatforms, platform_of

MONTH = timedelta(days=30)
NAMES = [f"p{number}" for number in range(40)]


class Desk:
    """Platforms with ages of their tokens; who is in `unwilling` refuses."""

    def __init__(self, *names):
        self.register = FakePlatforms(*(platform_of(name, "http://127.0.0.1:1") for name in names))
        self.held = list(self.register.known)
        self.renewed_at = dict.fromkeys(self.held, AT)
        self.unwilling = set()
        self.asked = []
        self.at_once = self.most_at_once = 0
        self.journal = FakeJournal()
        self.at = AT

    def go(self, **how):
        self.at += timedelta(**how)

    async def of(self, platforms):
        return {one: (self.at - self.renewed_at[one]).total_seconds() for one in platforms}

    async def rotate(self, one):
        self.asked.append(one)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        if one in self.unwilling:
            raise RegistrationFailed("credentials", "answered with HTTP 500")
        self.renewed_at[one] = self.at
        return self.register.known[one]

    def rotations(self, period=MONTH):
        return Rotations(
            ages=self,
            platforms=self.register,
            registrar=self,
            journal=self.journal,
            held=lambda: self.held,
            period=period,
            clock=lambda: self.at,
        )

    def becomes(self, name, status):
        one = PlatformId(name)
        self.register.known[one] = replace(self.register.known[one], status=status)


@pytest.mark.obligation("CRED-025")
async def test_all_are_renewed_within_the_month_at_moments_of_their_own_one_at_a_time():
    desk = Desk(*NAMES)
    rotations = desk.rotations()
    desk.go(days=24)
    await rotations.look()
    assert desk.asked == []
    days = []
    for _ in range(6 * 24):
        desk.go(hours=1)
        before = len(desk.asked)
        await rotations.look()
        days.append(len(desk.asked) - before)
    assert sorted(desk.asked) == sorted(NAMES)
    assert max(days) < 5
    assert desk.most_at_once == 1
    desk.go(days=17)
    await rotations.look()
    assert len(desk.asked) == len(NAMES)


@pytest.mark.parametrize(
    "status",
    [ConnectionStatus.OFFLINE, ConnectionStatus.SUSPENDED, ConnectionStatus.PLANNED],
)
async def test_who_is_not_connected_is_asked_as_soon_as_it_is(status):
    desk = Desk("p")
    rotations = desk.rotations()
    desk.becomes("p", status)
    desk.go(days=40)
    await rotations.look()
    assert desk.asked == []
    desk.becomes("p", ConnectionStatus.CONNECTED)
    await rotations.look()
    assert desk.asked == ["p"]


async def test_what_another_process_looks_after_is_left_to_it():
    desk = Desk("mine", "theirs")
    desk.held.remove("theirs")
    desk.go(days=30)
    await desk.rotations().look()
    assert desk.asked == ["mine"]


@pytest.mark.obligation("CRED-025")
async def test_who_refuses_is_named_and_asked_again_after_a_day_and_stops_nobody():
    desk = Desk("bad", "good")
    desk.unwilling.add("bad")
    rotations = desk.rotations()
    desk.go(days=30)
    await rotations.look()
    assert sorted(desk.asked) == ["bad", "good"]
    (hop,) = desk.journal.hops
    assert (hop.platform, hop.outcome) == ("bad", "findings")
    assert hop.findings == ("CRED-025: the token could not be renewed (answered with HTTP 500)",)
    desk.go(hours=23)
    await rotations.look()
    assert desk.asked.count("bad") == 1
    desk.unwilling.clear()
    desk.go(hours=1)
    await rotations.look()
    assert desk.asked.count("bad") == 2
    desk.go(hours=1)
    await rotations.look()
    assert (desk.asked.count("bad"), len(desk.journal.hops)) == (2, 1)


async def test_a_period_of_nothing_renews_nothing():
    desk = Desk("p")
    desk.go(days=1000)
    rotations = desk.rotations(timedelta())
    running = asyncio.ensure_future(rotations.run())
    await asyncio.sleep(0.05)
    assert desk.asked == []
    await rotations.close()
    await running


async def test_it_looks_again_and_again_until_it_is_closed():
    desk = Desk("p")
    desk.go(days=30)
    rotations = desk.rotations(timedelta(seconds=0.1))
    running = asyncio.ensure_future(rotations.run())
    async with asyncio.timeout(5):
        while len(desk.asked) < 2:
            desk.go(days=30)
            await asyncio.sleep(0.01)
    await rotations.close()
    await running
    asked = len(desk.asked)
    desk.go(days=30)
    await asyncio.sleep(0.05)
    assert len(desk.asked) == asked
