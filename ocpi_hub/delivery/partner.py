"""A partner as the client knows it: its breaker, and what all calls to it have in common."""

from math import inf
from typing import Final

from ocpi_hub.delivery import guard
from ocpi_hub.delivery.breaker import Breaker
from ocpi_hub.delivery.guard import Origin
from ocpi_hub.ocpi import token
from ocpi_hub.routing.directory import Platform

NOTED_S: Final = 3600.0
_NOWHERE: Final[frozenset[Origin]] = frozenset()


class Partner:
    """Works out again only what changed: the directory's entry, the token that is shown."""

    def __init__(self) -> None:
        self.breaker = Breaker()
        self._platform: Platform | None = None
        self._home = _NOWHERE
        self._shown = ("", False)
        self._authorization = ""
        self._noted_until = -inf

    def at_home(self, origin: Origin, platform: Platform | None) -> bool:
        """Whether a stored token may be shown there: only to its own origins (ROUT-508)."""
        if platform is not self._platform:
            self._platform, self._home = platform, _home(platform)
        return origin in self._home

    def authorization(self, shown: str, *, raw: bool) -> str:
        """The Authorization header that shows this token."""
        if (shown, raw) != self._shown:
            self._shown, self._authorization = (shown, raw), token.authorization(shown, raw=raw)
        return self._authorization

    def unswapped(self, at: float) -> tuple[str, ...]:
        """What to note of an answer without the swapped pairs: once an hour, for it is all of them.

        `at`: a monotonic time in seconds.
        """
        if at < self._noted_until:
            return ()
        self._noted_until = at + NOTED_S
        return ("ROUT-014: the answer does not name sender and receiver the other way round",)


def _home(platform: Platform | None) -> frozenset[Origin]:
    if platform is None:
        return _NOWHERE
    known = [endpoint.url for endpoint in platform.endpoints]
    return guard.origins((*known, platform.versions_url or ""))
