"""Who may do what: Bearer keys, their scopes, and a limit on failed keys per address."""

import math
import time
from collections.abc import Callable

from aiohttp import web

from ocpi_hub.admin.problem import Problem
from ocpi_hub.modules.keys import Key, Keys, Scope

WINDOW_S = 60.0
ADDRESSES = 10_000  # counted at once; more only come from an attack, which the keys' length defeats


class FailedKeys:
    """Failed keys per address in the running minute. `per_minute` 0 switches it off."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._ends = 0.0
        self._counts: dict[str, int] = {}

    def note(self, address: str) -> int:
        """Count one failure; the seconds to wait when these are too many, else 0."""
        now = self._clock()
        if now >= self._ends:
            self._counts.clear()
            self._ends = now + WINDOW_S
        if address in self._counts or len(self._counts) < ADDRESSES:
            self._counts[address] = self._counts.get(address, 0) + 1
        too_many = 0 < self._per_minute < self._counts.get(address, 0)
        return math.ceil(self._ends - now) if too_many else 0


def remote(request: web.BaseRequest) -> str:
    return request.remote or "unknown"


class Access:
    """Finds the key of a request and checks its scope.

    A right key is let in however often others behind the same address failed: keys have 256 bits,
    so the limit is there against load and noise, not against luck. `address` tells where a request
    comes from (behind a proxy, not the peer).
    """

    def __init__(
        self,
        keys: Keys,
        failed: FailedKeys,
        address: Callable[[web.BaseRequest], str] = remote,
    ) -> None:
        self._keys = keys
        self._failed = failed
        self.address = address

    def key(self, request: web.BaseRequest) -> Key:
        """The key that the request shows; raises Problem 401 or 429."""
        secret = bearer(request.headers.get("Authorization"))
        if secret is None:
            raise _unauthorized("Authorization: Bearer KEY is required", "")
        found = self._keys.lookup(secret) if secret.isascii() else None
        if found is not None:
            return found
        if wait := self._failed.note(self.address(request)):
            raise Problem(
                429, "too many failed keys from this address", headers={"Retry-After": str(wait)}
            )
        raise _unauthorized("the key is unknown or expired", ', error="invalid_token"')

    def require(self, request: web.BaseRequest, scope: Scope) -> Key:
        """The key, if it has the scope; raises Problem 401, 403 or 429."""
        key = self.key(request)
        if not key.allows(scope):
            challenge = f'Bearer realm="ocpi-hub", error="insufficient_scope", scope="{scope}"'
            raise Problem(
                403, f"this key lacks the scope {scope}", headers={"WWW-Authenticate": challenge}
            )
        return key


def bearer(header: str | None) -> str | None:
    """The key in an Authorization header (RFC 6750), None when there is none."""
    scheme, _, secret = (header or "").strip().partition(" ")
    secret = secret.strip()
    return secret if scheme.lower() == "bearer" and secret else None


def _unauthorized(detail: str, error: str) -> Problem:
    return Problem(401, detail, headers={"WWW-Authenticate": f'Bearer realm="ocpi-hub"{error}'})
