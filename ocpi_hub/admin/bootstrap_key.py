"""The key from the settings: accepted as if it had been created with all scopes."""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime

from ocpi_hub.modules.keys import Key, Keys, Scope

BOOTSTRAP = Key(
    "bootstrap", "bootstrap", frozenset({Scope.ADMIN}), datetime.fromtimestamp(0, UTC), None
)


class WithBootstrapKey:
    """Keys of the database and, when `secret` is not empty, the one from the settings."""

    def __init__(self, keys: Keys, secret: str) -> None:
        self._keys = keys
        self._digest = _digest(secret) if secret else b""

    def lookup(self, secret: str) -> Key | None:
        if self._digest and hmac.compare_digest(_digest(secret), self._digest):
            return BOOTSTRAP
        return self._keys.lookup(secret)

    async def create(
        self, name: str, scopes: frozenset[Scope], expires_at: datetime | None
    ) -> tuple[Key, str]:
        return await self._keys.create(name, scopes, expires_at)

    async def list(self, after: str | None, limit: int) -> Sequence[Key]:
        return await self._keys.list(after, limit)

    async def delete(self, key_id: str) -> None:
        await self._keys.delete(key_id)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
