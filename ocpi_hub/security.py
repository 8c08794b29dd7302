"""Tokens and keys: made fresh, kept as digests, sealed when they must be shown again.

Tokens that others show to the hub have 256 random bits, so that a plain SHA-256 is enough to keep
them. Tokens that the hub shows to others are sealed with AES-256-GCM.
"""

import base64
import hashlib
import os
import secrets
import string
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_FILE = "secret.key"
API_KEY_PREFIX = "ohk_"
_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 43  # 43 of 62 characters: 256 bits
_FORMAT = b"\x01"
_ID = 4
_NONCE = 12
_TAG = 16


class CannotOpen(Exception):
    """A sealed value does not belong to this key or context, or was changed."""


class UnsafeKeyFile(Exception):
    """The file with the generated key cannot be used; the message says why."""


def digest(token: str) -> bytes:
    """SHA-256 of a token: what is stored in its place."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def fresh_uid() -> str:
    """The last segment of an address that nobody can guess: 128 bits, 22 characters."""
    return secrets.token_urlsafe(16)


def fresh_token() -> str:
    """A new token of 43 letters and digits, 256 random bits (CRED-035)."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def fresh_api_key() -> str:
    """A new API key; the prefix lets scanners of leaked secrets find it."""
    return API_KEY_PREFIX + fresh_token()


class KeyRing:
    """Seals with the newest key, opens with any.

    A sealed value is: format, key id, nonce, ciphertext with tag. The context (such as
    `platform/ID/outgoing`) is authenticated: a value moved to another row does not open.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        """`keys`: 32 bytes each, newest first; raises ValueError otherwise."""
        if not keys or any(len(key) != 32 for key in keys):  # noqa: PLR2004 - AES-256
            raise ValueError("a key ring needs keys of 32 bytes")
        self._newest = _key_id(keys[0])
        self._ciphers = {_key_id(key): AESGCM(key) for key in keys}

    @classmethod
    def from_text(cls, text: str) -> "KeyRing":
        """From base64 keys, comma-separated, newest first (OCPI_HUB__SECURITY__KEY)."""
        parts = [part.strip() for part in text.split(",") if part.strip()]
        return cls([base64.b64decode(part, validate=True) for part in parts])

    def seal(self, plain: str, context: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        head = _FORMAT + self._newest
        cipher = self._ciphers[self._newest]
        return head + nonce + cipher.encrypt(nonce, plain.encode(), head + context.encode())

    def open(self, sealed: bytes, context: str) -> str:
        """The plain text; raises CannotOpen, which never shows any of it."""
        head, nonce, rest = sealed[:5], sealed[5 : 5 + _NONCE], sealed[5 + _NONCE :]
        cipher = self._ciphers.get(head[1:])
        if head[:1] != _FORMAT or len(rest) < _TAG or cipher is None:
            raise CannotOpen(f"{context}: sealed with a key that is not in the ring")
        try:
            return cipher.decrypt(nonce, rest, head + context.encode()).decode()
        except InvalidTag:
            raise CannotOpen(f"{context}: changed, or sealed for something else") from None

    def is_stale(self, sealed: bytes) -> bool:
        """Whether it should be sealed again, because an older key was used."""
        return sealed[1 : 1 + _ID] != self._newest

    def __repr__(self) -> str:
        return f"KeyRing({len(self._ciphers)} keys)"


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"ocpi-hub key id" + key).digest()[:_ID]


def generated_key(data_dir: Path) -> str:
    """The key kept in the data directory, made with mode 0600 when there is none yet.

    Raises UnsafeKeyFile when others can read it or it holds no key.
    """
    path = data_dir / KEY_FILE
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        _write_once(path, base64.b64encode(secrets.token_bytes(32)))
    if path.stat().st_mode & 0o077:
        raise UnsafeKeyFile(f"{path} can be read by others: chmod 600 it, or replace the key")
    text = path.read_text("ascii").strip()
    try:
        KeyRing.from_text(text)
    except ValueError:
        raise UnsafeKeyFile(f"{path} holds no base64 of 32 bytes") from None
    return text


def _write_once(path: Path, content: bytes) -> None:
    """Durable, and never over a key that another process made first."""
    handle, fresh = tempfile.mkstemp(dir=path.parent)  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        Path(fresh).unlink()
