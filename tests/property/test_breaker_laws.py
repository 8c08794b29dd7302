"""Laws of the breaker, under any order of events."""

from hypothesis import given
from hypothesis import strategies as st

from ocpi_hub.delivery.breaker import LONGEST_OPEN_S, PROBE_LOST_S, Breaker, State

EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["admits", "succeeded", "failed", "inbound_seen", "abandoned"]),
        st.floats(min_value=0, max_value=400, allow_nan=False),
    ),
    max_size=60,
)


def play(events):
    breaker, now = Breaker(), 0.0
    for name, pause in events:
        now += pause
        before = (breaker.state, breaker.until)
        answer = getattr(breaker, name)(now)
        yield breaker, now, name, before, answer


@given(EVENTS)
def test_nothing_is_sent_while_it_is_open(events):
    for _, now, name, (state, until), answer in play(events):
        if name == "admits" and state is not State.CLOSED and now < until:
            assert answer is False


@given(EVENTS)
def test_a_probe_gets_through_in_the_end(events):
    breaker, now = Breaker(), 0.0
    for breaker, now, *_ in play(events):  # noqa: B007 - the last ones are wanted
        pass
    assert breaker.admits(now + max(LONGEST_OPEN_S, PROBE_LOST_S))


@given(EVENTS)
def test_one_probe_at_a_time(events):
    for breaker, now, name, (state, _), answer in play(events):
        if name == "admits" and answer and state is not State.CLOSED:
            assert breaker.state is State.HALF_OPEN
            assert not breaker.admits(now)


@given(EVENTS)
def test_a_sign_of_life_always_closes_it(events):
    breaker, now = Breaker(), 0.0
    for breaker, now, *_ in play(events):  # noqa: B007 - the last ones are wanted
        pass
    breaker.inbound_seen(now)
    assert breaker.admits(now)
    assert breaker.state is State.CLOSED


@given(EVENTS)
def test_it_is_never_shut_for_longer_than_five_minutes(events):
    for breaker, now, *_ in play(events):
        if breaker.state is State.OPEN:
            assert breaker.until - now <= LONGEST_OPEN_S


@given(EVENTS)
def test_it_remembers_a_bounded_number_of_seconds(events):
    for breaker, *_ in play(events):
        assert len(breaker.recent) <= 31
