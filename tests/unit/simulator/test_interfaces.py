"""Interfaces as tables of routes, and errands that a platform runs after its answer."""

import asyncio

import pytest

from ocpi_hub.ocpi.primitives import InterfaceRole, PartyRef, Role
from ocpi_hub.simulator import fault
from ocpi_hub.simulator.errands import Errands
from ocpi_hub.simulator.platform import PlatformRole, SimulatedPlatform
from ocpi_hub.simulator.routes import Routes, asker
from ocpi_hub.simulator.server import Reply

SENDER = InterfaceRole.SENDER


async def told(received):
    return Reply(text=f"{received.method} {asker(received)}")


@pytest.fixture
async def caller():
    async with SimulatedPlatform("a", [PlatformRole(PartyRef("NL", "AAA"), Role.CPO, "A")]) as a:
        yield a


@pytest.fixture
async def callee(caller):
    async with SimulatedPlatform("b", [PlatformRole(PartyRef("DE", "BBB"), Role.EMSP, "B")]) as b:
        rows = {("GET", ""): told, ("PUT", "*/preferences"): told, ("POST", "*"): told}
        b.serve("sessions", SENDER, Routes("sessions", rows))
        await caller.register(b.versions_url, b.issue_token_a())
        yield b


@pytest.mark.parametrize(
    ("method", "ids", "http"),
    [
        ("GET", (), 200),
        ("PUT", ("S1", "preferences"), 200),
        ("POST", ("S/1",), 200),
        ("POST", (), 405),
        ("PUT", ("S1",), 405),
        ("PUT", ("S1", "charging_preferences"), 404),
        ("GET", ("S1", "preferences", "more"), 404),
        ("PUT", ("", "preferences"), 404),
    ],
)
async def test_a_table_answers_what_it_has_a_row_for(caller, callee, method, ids, http):
    assert (await caller.ask(method, "sessions", SENDER, ids)).http == http


async def test_the_asker_is_the_party_in_the_headers(caller, callee):
    answer = await caller.ask("GET", "sessions", SENDER)
    assert answer.json["status_message"] == "GET NL-AAA"
    answer = await caller.ask("GET", "sessions", SENDER, sender=PartyRef("NL", "AA2"))
    assert answer.json["status_message"] == "GET NL-AA2"


async def test_who_is_told_to_come_back_later_does(caller, callee):
    callee.server.faults.add(fault.http(429, Retry_After="0"), times=3)
    assert (await caller.ask("GET", "sessions", SENDER)).ok
    assert len(callee.record.of("sessions")) == 4


async def test_errands_are_awaited_and_end_with_their_platform():
    errands, seen = Errands(), []

    async def fails():
        raise ValueError("as told")

    async def sends_another():
        seen.append("first")
        errands.send(fails())

    errands.send(sends_another())
    await errands.settle()
    assert (seen, [str(error) for error in errands.failed]) == (["first"], ["as told"])
    errands.send(asyncio.Event().wait())
    await errands.stop()
    assert len(errands.failed) == 1
