"""The Authorization header."""

import pytest

from ocpi_hub.ocpi import token
from ocpi_hub.ocpi.status import Unauthorized


@pytest.mark.obligation("TR-006")
def test_a_token_is_sent_in_base64_without_a_line_feed():
    assert token.authorization("example-token") == "Token ZXhhbXBsZS10b2tlbg=="


def test_a_legacy_peer_gets_the_token_as_it_is():
    assert token.authorization("example-token", raw=True) == "Token example-token"


@pytest.mark.obligation("TR-005")
def test_the_decoded_token_comes_first_and_the_raw_one_second():
    assert token.candidates("Token ZXhhbXBsZS10b2tlbg==") == (
        "example-token",
        "ZXhhbXBsZS10b2tlbg==",
    )


@pytest.mark.obligation("TR-007")
@pytest.mark.parametrize("sample", ["ZXhhbXBsZS10b2tlbgo=", "ZXhhbXBsZS10b2tlbg0K"])
def test_a_line_feed_that_was_encoded_too_is_dropped(sample):
    assert token.candidates(f"Token {sample}")[0] == "example-token"


def test_a_raw_token_is_a_candidate():
    assert token.candidates("Token ebf3b399-779f-4497-9b9d-ac6ad3cc44d2") == (
        "ebf3b399-779f-4497-9b9d-ac6ad3cc44d2",
    )


def test_a_raw_token_is_not_mistaken_for_base64_with_strange_characters():
    assert token.candidates("Token eG-E=") == ("eG-E=",)


def test_base64_of_no_text_leaves_the_raw_token():
    """The sample of OCPI 2.2 decodes to bytes that are no text."""
    assert token.candidates("Token IpbJOXxkxOAuKR92z0nEcmVF3Qw09VG7I7d/WCg0koM=") == (
        "IpbJOXxkxOAuKR92z0nEcmVF3Qw09VG7I7d/WCg0koM=",
    )


@pytest.mark.parametrize("scheme", ["Token", "token", "TOKEN"])
def test_the_scheme_is_read_in_any_case(scheme):
    assert token.candidates(f"{scheme} abc%") == ("abc%",)


@pytest.mark.obligation("TR-012")
@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Token",
        "Token ",
        "Bearer x",
        "Basic eDp5",
        "Tokenx",
        "Token a b",
        "Token é",
        "Token " + "x" * 65 + "%",
        "Token\tabc",
    ],
)
def test_headers_that_hold_no_token_are_unauthorized(header):
    with pytest.raises(Unauthorized) as refusal:
        token.candidates(header)
    assert refusal.value.http == 401


@pytest.mark.obligation("CRED-035")
@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("a", True),
        ("!~", True),
        ("x" * 64, True),
        ("x" * 65, False),
        ("", False),
        ("a b", False),
        ("a\n", False),
        ("é", False),
        ("\x7f", False),
    ],
)
def test_tokens_are_1_to_64_visible_ascii_characters(text, fine):
    assert token.acceptable(text) is fine
