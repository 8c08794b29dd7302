"""What a partner refuses while its token is renewed is sent again with the new one."""

import asyncio

import pytest

from ocpi_hub.delivery.renewal import AcrossRenewals
from ocpi_hub.modules.outgoing import Answered
from tests.delivery_fakes import OK, FakePlatforms, ScriptedClient, call_of, platform_of

THERE = platform_of("p", "http://127.0.0.1:1")
REFUSED = Answered(401, {}, OK)


class Register(FakePlatforms):
    """One platform whose token can be renewed."""

    def __init__(self):
        super().__init__(THERE)
        self.token = "old"
        self.offered = False

    def outgoing_token(self, _):
        return self.token

    def renewing(self, _):
        return self.offered


@pytest.fixture
def register():
    return Register()


@pytest.fixture
def partner(register):
    """Accepts the new token alone."""
    return ScriptedClient(lambda _: Answered(200, {}, OK) if register.token == "new" else REFUSED)


@pytest.mark.obligation("CRED-023", "TR-070")
async def test_what_is_refused_during_a_renewal_waits_for_its_end_and_is_sent_again(
    register, partner
):
    register.offered = True
    calling = asyncio.ensure_future(AcrossRenewals(partner, register).call(call_of(THERE)))
    await asyncio.sleep(0.05)
    assert len(partner.calls) == 1
    register.token, register.offered = "new", False
    assert (await calling).http == 200
    first, second = (call.headers["X-Request-ID"] for call in partner.calls)
    assert first != second


async def test_a_renewal_that_ended_meanwhile_counts_too(register, partner):
    def answer(_):
        refused, register.token = register.token == "old", "new"
        return REFUSED if refused else Answered(200, {}, OK)

    partner = ScriptedClient(answer)
    assert (await AcrossRenewals(partner, register).call(call_of(THERE))).http == 200
    assert len(partner.calls) == 2


async def test_without_a_renewal_a_refusal_is_the_answer(register, partner):
    assert await AcrossRenewals(partner, register).call(call_of(THERE)) == REFUSED
    assert len(partner.calls) == 1


async def test_a_renewal_that_fails_leaves_the_refusal(register, partner):
    register.offered = True
    calling = asyncio.ensure_future(AcrossRenewals(partner, register).call(call_of(THERE)))
    await asyncio.sleep(0.05)
    register.offered = False
    assert await calling == REFUSED
    assert len(partner.calls) == 1


async def test_a_renewal_without_an_end_is_not_waited_for_beyond_its_deadline(
    register, partner, monkeypatch
):
    monkeypatch.setattr("ocpi_hub.delivery.renewal.LONGEST_S", 0.05)
    register.offered = True
    assert await AcrossRenewals(partner, register).call(call_of(THERE)) == REFUSED


async def test_a_token_that_the_call_brings_itself_is_not_replaced(register, partner):
    register.offered = True
    outcome = await AcrossRenewals(partner, register).call(call_of(THERE, token="token-a"))
    assert outcome == REFUSED
    assert len(partner.calls) == 1
