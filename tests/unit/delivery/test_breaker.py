"""The breaker opens, waits, probes and closes as its table says."""

import pytest

from ocpi_hub.delivery.breaker import (
    ENOUGH,
    IN_A_ROW,
    LONGEST_OPEN_S,
    NEXT,
    OPEN_S,
    PROBE_LOST_S,
    WINDOW_S,
    Breaker,
    Event,
    State,
)


def opened(at=100.0):
    breaker = Breaker()
    for _ in range(IN_A_ROW):
        breaker.failed(at)
    return breaker


def test_it_opens_after_five_failures_in_a_row():
    breaker = Breaker()
    for _ in range(IN_A_ROW - 1):
        breaker.failed(1)
    assert breaker.admits(1)
    breaker.failed(1)
    assert not breaker.admits(1)


def test_a_success_in_between_starts_the_count_again():
    breaker = Breaker()
    for _ in range(IN_A_ROW - 1):
        breaker.failed(1)
    breaker.succeeded(1)
    breaker.failed(1)
    assert breaker.state is State.CLOSED


def test_it_opens_when_more_than_half_of_twenty_calls_failed():
    breaker = Breaker()
    for number in range(ENOUGH - 1):
        breaker.succeeded(5) if number % 2 else breaker.failed(5)
    assert breaker.state is State.CLOSED
    breaker.failed(6)
    assert breaker.state is State.OPEN


def test_half_is_not_more_than_half():
    breaker = Breaker()
    for number in range(4 * ENOUGH):
        breaker.failed(5) if number % 2 else breaker.succeeded(5)
    assert breaker.state is State.CLOSED


def test_what_is_older_than_the_window_does_not_count():
    breaker = Breaker()
    for number in range(3 * ENOUGH):
        breaker.failed(number) if number % 4 == 0 else breaker.succeeded(number)
    late = 3 * ENOUGH + WINDOW_S
    for number in range(ENOUGH):
        breaker.succeeded(late) if number % 2 == 0 else breaker.failed(late)
    assert breaker.state is State.CLOSED
    breaker.failed(late)
    assert breaker.state is State.OPEN


def test_one_probe_goes_out_when_the_time_is_over():
    breaker = opened(at=100)
    assert not breaker.admits(100 + OPEN_S - 0.1)
    assert breaker.admits(100 + OPEN_S)
    assert not breaker.admits(100 + OPEN_S)


def test_a_good_probe_closes_and_a_bad_one_opens_for_twice_as_long():
    breaker, at = opened(at=0), 0.0
    for wait in (OPEN_S, 2 * OPEN_S, 4 * OPEN_S, 8 * OPEN_S, LONGEST_OPEN_S, LONGEST_OPEN_S):
        assert not breaker.admits(at + wait - 1)
        at += wait
        assert breaker.admits(at)
        breaker.failed(at)
    at += LONGEST_OPEN_S
    assert breaker.admits(at)
    breaker.succeeded(at)
    assert breaker.state is State.CLOSED
    for _ in range(IN_A_ROW):
        breaker.failed(at)
    assert breaker.until == at + OPEN_S


@pytest.mark.parametrize("half_open", [False, True])
def test_a_message_from_the_partner_closes_it(half_open):
    breaker = opened(at=0)
    if half_open:
        assert breaker.admits(OPEN_S)
    breaker.inbound_seen(OPEN_S)
    assert breaker.admits(OPEN_S)
    assert breaker.state is State.CLOSED


def test_a_probe_that_was_never_made_leaves_room_for_the_next():
    breaker = opened(at=0)
    assert breaker.admits(OPEN_S)
    breaker.abandoned(OPEN_S + 1)
    assert breaker.admits(OPEN_S + 1)


def test_a_probe_that_never_reports_is_replaced():
    breaker = opened(at=0)
    assert breaker.admits(OPEN_S)
    assert not breaker.admits(OPEN_S + PROBE_LOST_S - 1)
    assert breaker.admits(OPEN_S + PROBE_LOST_S)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_a_pair_that_is_not_in_the_table_changes_nothing(state, event):
    breaker = Breaker(state=state, until=500, opened_at=7, trips=3)
    breaker._move(event, 600)
    assert breaker.state is NEXT.get((state, event), state)
    if (state, event) not in NEXT:
        assert breaker == Breaker(state=state, until=500, opened_at=7, trips=3)
