"""What a simulated CPO makes of charging profiles."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import PartyRef, format_datetime
from ocpi_hub.ocpi.v2_2_1.chargingprofiles import ActiveChargingProfile
from ocpi_hub.ocpi.v2_2_1.check import validate
from ocpi_hub.simulator.charge import Charge, Grant
from ocpi_hub.simulator.outlet import outlets
from ocpi_hub.simulator.price_list import price_list
from ocpi_hub.simulator.profile import Profile, active
from ocpi_hub.simulator.server import accept
from tests.build import LONG_AGO, a_location
from tests.fake_partner import SENDER, fake_partner
from tests.simulated_charging import VISIT, a_token, charging, outlets_of, pass_time

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def profile(*periods, unit="W", **more):
    return {
        "charging_rate_unit": unit,
        "charging_profile_period": [
            {"start_period": start, "limit": limit} for start, limit in periods
        ],
    } | more


# Limits over time


def a_charge():
    [outlet] = outlets(a_location(evses=1))
    charge = Charge(
        "S1", outlet, Grant(a_token(), "WHITELIST"),
        price_list(PartyRef("NL", "CPO"), LONG_AGO)[2], NOON,
    )  # fmt: skip
    charge.occupy(charge.grant, VISIT, NOON, outlet)
    return charge


def watts(told, *minutes):
    limit = Profile.of(told, a_charge())
    return [limit(NOON + timedelta(minutes=each)) for each in minutes]


@pytest.mark.obligation("CHP-035")
def test_periods_follow_each_other_and_the_last_goes_on():
    told = profile((0, 50_000), (600, 20_000))
    assert watts(told, 0, 9.9, 10, 600) == [50_000, 50_000, 20_000, 20_000]


@pytest.mark.obligation("CHP-035")
def test_a_duration_is_an_end_and_a_start_is_a_begin():
    told = profile((0, 50_000), duration=600, start_date_time="2026-03-02T12:05:00Z")
    assert watts(told, 0, 5, 14.9, 15) == [None, 50_000, 50_000, None]


@pytest.mark.obligation("CHP-036")
def test_amperes_are_those_of_each_phase():
    assert watts(profile((0, 10), unit="A"), 1) == [9200]
    assert watts(profile(), 1) == [None]


def test_what_is_active_is_the_least_of_all_limits():
    charge = a_charge()
    charge.caps["profile"] = Profile.of(profile((0, 20_000), (600, 90_000), (900, 400_000)), charge)
    charge.caps["grid"] = lambda _: 60_000
    told = active(charge, 1800)
    limits = told["charging_profile"]["charging_profile_period"]
    assert limits == [
        {"start_period": 0, "limit": Decimal(20_000)},
        {"start_period": 600, "limit": Decimal(60_000)},
    ]
    assert validate(ActiveChargingProfile, codec.decode(codec.encode(told))) == ()
    charge.advance(NOON + timedelta(minutes=6))
    assert charge.meter.kwh == 2
    later = active(charge, 120)["charging_profile"]["charging_profile_period"]
    assert later == [{"start_period": 0, "limit": Decimal(20_000)}]


def test_without_a_limit_the_outlet_gives_what_it_can():
    told = active(a_charge(), 300)["charging_profile"]
    assert told["charging_profile_period"] == [{"start_period": 0, "limit": Decimal(150_000)}]


# The interface


class Helm:
    """Requests with a result address of their own."""

    def __init__(self, asker, cpo):
        self.asker, self.cpo, self.count = asker, cpo, 0

    @property
    def url(self):
        self.count += 1
        return f"{self.asker.url('chargingprofiles', SENDER)}/R{self.count}?a=1&b=x%2Fy"

    async def set(self, session_id, told, **how):
        body = {"charging_profile": told, "response_url": self.url}
        return await self._send("PUT", session_id, body=body, **how)

    async def get(self, session_id, duration="900", **how):
        return await self._send(
            "GET", session_id, params={"duration": duration, "response_url": self.url}, **how
        )

    async def clear(self, session_id, **how):
        return await self._send("DELETE", session_id, params={"response_url": self.url}, **how)

    async def _send(self, method, session_id, **how):
        return await self.asker.send(method, "chargingprofiles", session_id, **how)

    async def result(self):
        [posted] = await self.asker.received(
            "chargingprofiles.sender", "POST",
            where=lambda each: each.segments == (f"R{self.count}",),
        )  # fmt: skip
        assert posted.query == {"a": "1", "b": "x/y"}
        return posted.json

    async def updates(self, count):
        found = await self.asker.received("chargingprofiles.sender", "PUT", count=count)
        return [
            (each.segments[0], each.json["charging_profile"]["charging_profile_period"][0]["limit"])
            for each in found
        ]


@pytest.fixture
async def helm(cpo):

    cpo.profiles.delay_s = 0
    async with fake_partner(EMSP="DE-EMP FR-EM2", SCSP="NL-SMT") as asker:
        asker.serve("chargingprofiles", SENDER, accept)
        await cpo.register(asker.versions_url, asker.issue_token_a())
        yield Helm(asker, cpo)


def answer_of(response):
    assert (response.http, response.code, response.data["timeout"]) == (200, 1000, 30)
    return response.data["result"]


@pytest.mark.obligation("CHP-006", "CHP-010", "CHP-011", "CHP-012", "CHP-013", "CHP-039", "CHP-001")
async def test_a_limit_is_set_and_replaced(helm, cpo):
    offered = {("sessions", "SENDER"), ("chargingprofiles", "RECEIVER")}
    assert offered <= helm.asker.known_peer.endpoints.keys()
    charge = await charging(cpo)
    assert answer_of(await helm.set(charge.id, profile((0, 8000)))) == "ACCEPTED"
    assert await helm.result() == {"result": "ACCEPTED"}
    assert charge.watts == 8000
    assert answer_of(await helm.set(charge.id.lower(), profile((0, 6), unit="A"))) == "ACCEPTED"
    assert await helm.result() == {"result": "ACCEPTED"}
    await pass_time(cpo, charge, 60)
    assert charge.meter.kwh == Decimal("4.140")


@pytest.mark.obligation("CHP-005", "CHP-010", "CHP-012")
async def test_what_is_active_comes_as_the_result(helm, cpo):
    charge = await charging(cpo)
    answer = await helm.get(charge.id, "600")
    assert answer_of(answer) == "ACCEPTED"
    assert "profile" not in answer.data
    result = await helm.result()
    assert validate(ActiveChargingProfile, result["profile"]) == ()
    told = result["profile"]["charging_profile"]
    assert told["duration"] == 600
    assert told["charging_profile_period"] == [{"start_period": 0, "limit": charge.outlet.watts}]


@pytest.mark.obligation("CHP-007", "CHP-012", "CHP-025", "CHP-021")
async def test_a_cleared_limit_is_no_limit(helm, cpo):
    charge = await charging(cpo)
    await helm.clear(charge.id)
    assert await helm.result() == {"result": "UNKNOWN"}
    await helm.set(charge.id, profile((0, 4000)))
    await helm.updates(1)
    await helm.clear(charge.id)
    assert await helm.result() == {"result": "ACCEPTED"}
    assert await helm.updates(2) == [(charge.id, 4000), (charge.id, charge.outlet.watts)]
    assert charge.watts == min(charge.outlet.watts, 11_000)


@pytest.mark.obligation("CHP-005", "CHP-007", "CHP-008")
async def test_parameters_that_are_missing_or_wrong_are_refused(helm, cpo):
    charge = await charging(cpo)
    url = {"response_url": "http://127.0.0.1:9/x"}
    for method, params in (
        ("GET", {"duration": "900"}),
        ("GET", url),
        ("GET", url | {"duration": "soon"}),
        ("GET", url | {"duration": "-1"}),
        ("DELETE", {}),
    ):
        answer = await helm.asker.send(method, "chargingprofiles", charge.id, params=params)
        assert answer.code == 2001
    assert (await helm.set(charge.id, {"limit": 1})).code == 2001
    for method in ("POST", "PATCH"):
        answer = await helm.asker.send(method, "chargingprofiles", charge.id, body={})
        assert answer.http == 405


@pytest.mark.obligation("CHP-046", "CHP-004", "CHP-011")
async def test_what_the_cpo_refuses_gets_no_result(helm, cpo):
    charge = await charging(cpo)
    over = await charging(cpo, outlets_of(cpo)[-1])
    await cpo.charges.finish(over)
    for response, expected in (
        (await helm.set("NEVER-WAS", profile((0, 1))), "UNKNOWN_SESSION"),
        (await helm.get(over.id), "UNKNOWN_SESSION"),
        (await helm.set(charge.id, profile((0, 1)), sender="FR-EM2"), "REJECTED"),
    ):
        assert answer_of(response) == expected
    charge.place.evse["capabilities"].remove("CHARGING_PROFILE_CAPABLE")
    assert answer_of(await helm.clear(charge.id)) == "NOT_SUPPORTED"
    await cpo.errands.settle()
    assert not helm.asker.record.of("chargingprofiles.sender", "POST")


@pytest.mark.obligation("CHP-017")
async def test_one_request_at_a_time(helm, cpo):
    charge = await charging(cpo)
    cpo.profiles.delay_s = 60
    assert answer_of(await helm.set(charge.id, profile((0, 4000)))) == "ACCEPTED"
    assert answer_of(await helm.get(charge.id)) == "TOO_OFTEN"


@pytest.mark.obligation("CHP-021", "CHP-022", "CHP-024", "CHP-027", "CHP-028")
async def test_who_set_a_limit_hears_of_changes_and_nobody_else(helm, cpo):
    steered = await charging(cpo)
    asked = await charging(cpo, outlets_of(cpo)[-1])
    await helm.get(asked.id)
    await helm.result()
    await helm.set(steered.id, profile((0, 9000)))
    await helm.updates(1)
    for charge in (asked, steered):
        await cpo.profiles.limit(charge, 5000)
        await cpo.profiles.limit(charge, None)
        await cpo.profiles.drop(charge)
    assert await helm.updates(4) == [
        (steered.id, 9000), (steered.id, 5000), (steered.id, 9000),
        (steered.id, steered.outlet.watts),
    ]  # fmt: skip
    for each in helm.asker.record.of("chargingprofiles.sender", "PUT"):
        assert 300 <= each.json["charging_profile"]["duration"] <= 3600
    await cpo.charges.finish(steered)
    await cpo.profiles.limit(steered, 1000)
    assert len(await helm.updates(4)) == 4


async def test_a_provider_of_smart_charging_may_steer(helm, cpo):
    charge = await charging(cpo)
    response = await helm.set(charge.id, profile((0, 7000)), sender="NL-SMT")
    assert answer_of(response) == "ACCEPTED"
    await helm.updates(1)
    [told] = helm.asker.record.of("chargingprofiles.sender", "PUT")
    assert told.headers["OCPI-to-party-id"] == "SMT"


async def test_a_limit_of_later_counts_later(helm, cpo):
    charge = await charging(cpo)
    start = format_datetime(charge.meter.at + timedelta(minutes=30))
    await helm.set(charge.id, profile((0, 1000), start_date_time=start))
    await helm.result()
    assert charge.watts > 1000
    await pass_time(cpo, charge, 31)
    assert charge.watts == 1000
