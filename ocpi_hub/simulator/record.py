"""What a simulated platform received: the last requests with headers and raw bytes, and counts."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ocpi_hub.ocpi import codec

KEPT = 10_000  # requests; a crawl of a large hub and an hour of hubclientinfo fit


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came in.

    `interface` is `versions`, `details`, `credentials`, `{module}.{sender|receiver}` or `unknown`;
    `segments` are the decoded path segments behind the module. `at` is a monotonic time in seconds.
    Header names are looked up without regard to case.
    """

    at: float
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    interface: str
    segments: tuple[str, ...]

    @property
    def json(self) -> Any:
        return codec.decode(self.body)


@dataclass(slots=True)
class Record:
    """The last requests, and how many of each kind there ever were."""

    requests: deque[Received] = field(default_factory=lambda: deque(maxlen=KEPT))
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    _grown: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, received: Received) -> None:
        self.requests.append(received)
        self.counts[received.method, received.interface] += 1
        self._grown.set()
        self._grown = asyncio.Event()

    def of(self, interface: str, method: str | None = None) -> list[Received]:
        """Requests to an interface, oldest first; `locations` means both its sides."""
        return [
            each
            for each in self.requests
            if method in {None, each.method}
            and interface in {each.interface, each.interface.partition(".")[0]}
        ]

    def pushes(self, interface: str) -> int:
        """How many PUT and PATCH requests an interface ever got."""
        return self.counts["PUT", interface] + self.counts["PATCH", interface]

    async def until(self, condition: Callable[[], bool], deadline_s: float = 10) -> None:
        """Wait until the condition holds, looking again after each request.

        Raises TimeoutError, telling what came instead.
        """
        try:
            async with asyncio.timeout(deadline_s):
                while not condition():
                    await self._grown.wait()
        except TimeoutError:
            last = [f"{each.method} {each.path}" for each in self.requests][-10:]
            raise TimeoutError(
                f"not within {deadline_s} s; the last requests were {last}"
            ) from None

    async def wait(
        self,
        interface: str,
        method: str | None = None,
        *,
        count: int = 1,
        where: Callable[[Received], bool] | None = None,
        deadline_s: float = 10,
    ) -> list[Received]:
        """At least `count` matching requests, as soon as they are there."""

        def matching() -> list[Received]:
            return [each for each in self.of(interface, method) if where is None or where(each)]

        await self.until(lambda: len(matching()) >= count, deadline_s)
        return matching()

    def clear(self) -> None:
        self.requests.clear()
