"""Tokens, digests and sealing."""

import base64
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocpi_hub.security import (
    CannotOpen,
    KeyRing,
    UnsafeKeyFile,
    digest,
    fresh_api_key,
    fresh_token,
    generated_key,
)

OLD, NEW = b"o" * 32, b"n" * 32


@pytest.mark.obligation("CRED-035")
def test_a_fresh_token_is_long_plain_and_never_the_same():
    tokens = {fresh_token() for _ in range(1000)}

    assert len(tokens) == 1000
    assert all(re.fullmatch(r"[A-Za-z0-9]{43,64}", token) for token in tokens)
    assert len(set("".join(tokens))) == 62


def test_an_api_key_carries_its_prefix():
    assert re.fullmatch(r"ohk_[A-Za-z0-9]{43}", fresh_api_key())


def test_a_digest_is_sha_256_and_takes_any_text():
    assert digest("abc").hex() == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    assert len(digest("\udc80\x00é")) == 32


@given(st.text(max_size=100), st.text(max_size=30))
def test_what_was_sealed_opens_again(plain, context):
    ring = KeyRing([NEW])
    assert ring.open(ring.seal(plain, context), context) == plain


def test_sealing_twice_gives_two_texts_without_the_plain_one():
    ring = KeyRing([NEW])
    first, second = ring.seal("secret", "a"), ring.seal("secret", "a")
    assert first != second
    assert b"secret" not in first


def test_another_context_is_refused():
    ring = KeyRing([NEW])
    with pytest.raises(CannotOpen, match="something else"):
        ring.open(ring.seal("secret", "platform/1"), "platform/2")


def test_every_changed_byte_is_noticed():
    ring = KeyRing([NEW])
    sealed = ring.seal("secret", "a")
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(CannotOpen):
            ring.open(bytes(changed), "a")
    for length in range(len(sealed)):
        with pytest.raises(CannotOpen):
            ring.open(sealed[:length], "a")


def test_a_ring_opens_with_old_keys_and_says_what_to_seal_again():
    sealed = KeyRing([OLD]).seal("secret", "a")
    ring = KeyRing.from_text(f"{base64.b64encode(NEW).decode()}, {base64.b64encode(OLD).decode()}")

    assert ring.open(sealed, "a") == "secret"
    assert ring.is_stale(sealed)
    assert not ring.is_stale(ring.seal("secret", "a"))
    with pytest.raises(CannotOpen, match="not in the ring"):
        KeyRing([NEW]).open(sealed, "a")


@pytest.mark.parametrize("keys", [[], [b"short"], [NEW, b""]])
def test_a_ring_takes_only_whole_keys(keys):
    with pytest.raises(ValueError, match="32 bytes"):
        KeyRing(keys)


def test_a_ring_does_not_show_its_keys():
    assert repr(KeyRing([NEW])) == "KeyRing(1 keys)"


def test_the_generated_key_is_private_and_stays(tmp_path: Path):
    folder = tmp_path / "hub"
    key = generated_key(folder)

    assert (folder / "secret.key").stat().st_mode & 0o777 == 0o600
    assert len(base64.b64decode(key)) == 32
    assert generated_key(folder) == key
    assert [path.name for path in folder.iterdir()] == ["secret.key"]


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path):
    generated_key(tmp_path)
    (tmp_path / "secret.key").chmod(0o644)
    with pytest.raises(UnsafeKeyFile, match="read by others"):
        generated_key(tmp_path)


def test_a_key_file_without_a_key_is_refused(tmp_path: Path):
    path = tmp_path / "secret.key"
    path.touch(mode=0o600)
    for content in ("", "no base64!", "c2hvcnQ="):
        path.write_text(content)
        with pytest.raises(UnsafeKeyFile, match="no base64 of 32 bytes"):
            generated_key(tmp_path)
