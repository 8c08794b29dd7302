"""Laws of the operators' door: whatever is asked, the answer is a value or a named fault."""

import json

from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ocpi_hub.admin import ROWS, pages
from ocpi_hub.admin.access import bearer
from ocpi_hub.admin.problem import Problem, not_valid

MODELS = sorted({row.question for row in ROWS}, key=lambda model: model.__name__)
NAMES = sorted({name for model in MODELS for name in model.model_fields})
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(["CPO", "nav:read", "DE", "VWK", "https://[", "2027-01-01T00:00:00Z"])
)
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=8), inner, max_size=6)
    ),
    max_leaves=20,
)


def outcome(work):
    """What comes of it: a value, or one of the two faults that there may be."""
    try:
        return work()
    except (Problem, ValidationError) as fault:
        return fault


@given(st.sampled_from(MODELS), JSON)
def test_any_body_is_a_question_or_a_problem_that_names_fields(model, value):
    body = json.dumps(value).encode()
    asked = outcome(lambda: model.model_validate_json(body, strict=True))
    if isinstance(asked, ValidationError):
        problem = not_valid(asked, "body")
        assert problem.status == 400
        assert all(fault.field and fault.rule for fault in problem.errors)
        assert json.loads(problem.response().body)["errors"]
    else:
        assert set(value) <= set(model.model_fields)
        assert json.dumps(asked.model_dump(mode="json"))


@given(st.sampled_from(MODELS), st.dictionaries(st.sampled_from(NAMES), st.text(max_size=30)))
def test_any_parameters_are_a_question_or_a_problem(model, parameters):
    asked = outcome(lambda: model.model_validate(parameters))
    assert isinstance(asked, model) or not_valid(asked, "query").errors


@given(st.text(st.characters(codec="utf-8")))
def test_a_cursor_leads_back_to_its_place(text):
    assert pages.place(pages.seal(text)) == text


@given(st.text())
def test_a_cursor_that_was_not_made_here_is_refused(text):
    place = outcome(lambda: pages.place(text))
    if isinstance(place, Problem):
        assert [fault.field for fault in place.errors] == ["cursor"]
    else:
        assert pages.seal(place) == text


@given(st.text())
def test_any_place_is_a_row_number_or_refused(text):
    number = outcome(lambda: pages.row_number(text))
    if isinstance(number, Problem):
        assert number.status == 400
    else:
        assert 0 <= number < 2**63


@given(st.lists(st.integers(), max_size=12), st.integers(1, 10))
def test_pages_hold_what_was_found_and_tell_whether_there_is_more(found, limit):
    page = pages.page(found[: limit + 1], limit, lambda item: {"item": item}, str)
    assert [item["item"] for item in page["items"]] == found[:limit]
    assert (page["next"] is not None) == (len(found) > limit)


@given(st.text())
def test_any_header_is_read_without_a_fault(header):
    secret = bearer(header)
    assert secret is None or (secret and secret in header)
