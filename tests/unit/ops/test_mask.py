"""What is masked wherever it may be kept or shown, and what must stay readable."""

import pytest

from ocpi_hub.ops.logging import MASK, mask
from ocpi_hub.storage.masking import masked_body, masked_url

SECRET = "S3CRETtoken0123456789"


@pytest.mark.parametrize(
    "text",
    [
        '{"token":"%s"}',
        '{"TOKEN" : "%s"}',
        '{"token":"a\\"%s"}',
        '{"access_token":"%s"}',
        '{"accessToken":"%s"}',
        '{"client_secret":"%s"}',
        '{"api-key":"%s"}',
        '{"apiKey":"%s"}',
        '{"password":"%s"}',
        '{"authorization":"%s"}',
        '{"Authorization":"Token %s"}',
        '{"unexpected":"Bearer %s"}',
        '{"unexpected":"Token\\t%s"}',
        '{"headers":"Authorization: Token %s\\r\\n"}',
        '{"headers":"Authorization: %s"}',
        '{"status_message":"unknown token: %s"}',
        '{"status_message":"unknown token %s"}',
        '{"status_message":"no token \'%s\'"}',
        '{"status_message":"{\\"token\\":\\"%s\\"}"}',
        '{"url":"https://user:%s@host/x"}',
        '{"url":"https://host/x?a=1&access_token=%s"}',
        '{"unexpected":"ohk_%s"}',
        "{'token': '%s'}",
        "<html>Authorization: Token %s</html>",
        "token=%s&x=1",
    ],
)
def test_secrets_are_told_by_what_stands_around_them(text: str) -> None:
    for masked in (mask(text % SECRET), masked_body((text % SECRET).encode()).decode()):
        assert SECRET not in masked
        assert MASK in masked


def test_a_secret_whose_end_was_cut_off_is_masked() -> None:
    body = (
        b'{"pad":"' + b"x" * (64 * 1024 - 40) + b'","access_token":"' + SECRET.encode() * 3 + b'"}'
    )
    assert b"S3C" not in masked_body(body)


@pytest.mark.parametrize(
    "query",
    ["token=%s", "TOKEN=%s", "a=1;token=%s", "api-key=%s", "x=1&authorization=Token%%20%s"],
)
def test_secrets_in_the_query_of_a_url_are_masked(query: str) -> None:
    assert SECRET not in masked_url(f"/ocpi/versions?{query % SECRET}")


@pytest.mark.parametrize(
    "body",
    [
        '{"cdr_token":{"uid":"012345678","type":"RFID","contract_id":"DE8ACC12E46L89"}}',
        '{"token_uid":"012345678","auth_method":"WHITELIST"}',
        '{"authorization_reference":"A-1"}',
        '{"token":{"uid":"012345678"},"location_id":"LOC1"}',
        '{"directions":"Ask for the key: reception"}',
        '{"token":null,"secret":1}',
        '{"id":"LOC1","name":"Tokenstraat 3","url":"https://host/x?a=1"}',
    ],
)
def test_what_operators_look_for_stays(body: str) -> None:
    assert masked_body(body.encode()).decode() == body
