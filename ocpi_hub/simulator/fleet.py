"""The drivers of one eMSP who are on the road: as many as it has cards and apps for."""

import asyncio
from collections.abc import Iterator

from ocpi_hub.simulator.driver import Driver, Swipe
from ocpi_hub.simulator.emsp import Emsp
from ocpi_hub.simulator.token_book import APP_USER, RFID
from ocpi_hub.simulator.trip import Trips
from ocpi_hub.simulator.wish import wishes

_NAMES = (
    "Ada", "Bente", "Cem", "Dora", "Emil", "Fatou", "Goran", "Hana", "Imre", "Jule", "Kofi",
    "Lena", "Milo", "Nora", "Omar", "Paula", "Quentin", "Rosa", "Sami", "Tilde", "Uwe", "Vera",
)  # fmt: skip


class Fleet:
    """`run` ends when all are home again, after `call_home`.

    Drivers stay `stay_s` seconds at a plug and `pause_s` on the road, on average.
    """

    def __init__(
        self, emsp: Emsp, swipe: Swipe, *, stay_s: float = 8.0, pause_s: float = 4.0, seed: int = 1
    ) -> None:
        self.emsp = emsp
        self.trips = Trips()
        self._stay_s, self._pause_s, self._seed = stay_s, pause_s, seed
        self._leaving = asyncio.Event()
        self._swipe = swipe

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for driver in self.drivers():
                wanted = wishes(f"{self.emsp.name} {driver.name} {self._seed}", self._stay_s)
                group.create_task(driver.live(wanted, self._pause_s))

    def call_home(self) -> None:
        """Whoever charges stops, and waits for the bill."""
        self._leaving.set()

    def drivers(self) -> Iterator[Driver]:
        book = self.emsp.issuer.book
        pairs = zip(book.usable(RFID), book.usable(APP_USER), strict=False)
        for number, (card, app) in enumerate(pairs):
            yield Driver(
                _NAMES[number % len(_NAMES)], self.emsp, self._swipe, self.trips,
                self._leaving, card=card, app=app, seed=f"{self.emsp.name} {self._seed}",
            )  # fmt: skip
