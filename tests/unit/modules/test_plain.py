"""What PUT, PATCH and DELETE do to a Tariff or a Token that is held."""

import json

import pytest

from ocpi_hub.modules.line import Message, ObjectKey
from ocpi_hub.modules.plain import Plain, apply
from ocpi_hub.modules.stamp import moment, stamp
from ocpi_hub.modules.store import Push, Written
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.ocpi.status import NoSuchResource
from ocpi_hub.storage.plain import key_of

CPO = PartyRef("NL", "CPO")
T1, T2, T3 = (f"2026-01-0{day}T00:00:00Z" for day in (1, 2, 3))


def push(method, at=None, module="tariffs", ids=("T1",), **members):
    body = b"" if at is None else json.dumps({**members, "last_updated": at}).encode()
    since = None if at is None else moment(stamp(at))
    return Push(module, CPO, ids, Message(method, "T1", body), since, "cpo", "c-1")


def held(at=T2, **members):
    body = None if at is None else json.dumps({**members, "last_updated": at}).encode()
    return Plain(key_of(push("PUT", T1)), body, None if at is None else stamp(at))


@pytest.mark.parametrize(
    ("state", "pushed", "written"),
    [
        (held(at=None), push("PUT", T1), Written.CREATED),
        (held(a=1), push("PUT", T2, a=1), Written.UNCHANGED),
        (held(a=1), push("PUT", T2, a=2), Written.UPDATED),
        (held(a=1, b=2), push("PUT", T2, b=2, a=1), Written.UNCHANGED),
        (held(a=1, b=2), push("PUT", T3, b=2, a=1), Written.UPDATED),
        (held(a=1), push("PUT", T1, a=2), Written.STALE),
        (held(a=1), push("PATCH", T1, a=2), Written.STALE),
        (held(a=1), push("PATCH", T2, a=None), Written.UNCHANGED),
        (held(a=1), push("PATCH", T3), Written.UPDATED),
        (held(), push("DELETE"), Written.UPDATED),
    ],
)
def test_only_what_changes_something_is_written(state, pushed, written):
    before = state.body
    assert apply(state, pushed) is written
    changed = written in {Written.CREATED, Written.UPDATED}
    assert (state.writing is not None) is changed
    assert (state.body != before) is changed


@pytest.mark.obligation("TR-037", "TR-038", "TR-042")
def test_put_replaces_all_and_patch_what_it_names():
    state = held(a=1, b=2)
    apply(state, push("PATCH", T3, b=3, a=None))
    assert json.loads(state.body) == {"a": 1, "b": 3, "last_updated": T3}
    apply(state, push("PUT", T3, c=4))
    assert json.loads(state.body) == {"c": 4, "last_updated": T3}
    assert state.writing.times == 2


def test_what_was_deleted_comes_back_unless_it_is_older():
    state = held(T2)
    apply(state, push("DELETE"))
    assert (state.body, state.last_updated) == (None, stamp(T2))
    assert apply(state, push("PUT", T1)) is Written.STALE
    assert apply(state, push("PUT", T2)) is Written.CREATED


@pytest.mark.obligation("TR-040", "TAR-017")
@pytest.mark.parametrize(("module", "code"), [("tariffs", 2000), ("tokens", 2004)])
@pytest.mark.parametrize("pushed", [("PATCH", T3), ("DELETE", None)])
def test_what_is_not_held_cannot_be_changed(module, code, pushed):
    deleted = held()
    apply(deleted, push("DELETE"))
    for state in (held(at=None), deleted):
        with pytest.raises(NoSuchResource) as refused:
            apply(state, push(*pushed, module=module))
        assert (refused.value.http, refused.value.code) == (404, code)


@pytest.mark.obligation("TOK-038")
def test_the_type_belongs_to_a_tokens_name_in_any_case():
    made = push("PUT", T1, module="tokens", ids=("aB1", "App_User"))
    assert key_of(made) == ObjectKey("tokens", "NL", "CPO", "AB1", "APP_USER")
    assert key_of(made).whole == key_of(made)
