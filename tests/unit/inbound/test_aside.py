"""What takes long is told beside everything else."""

import threading

from ocpi_hub.inbound.aside import LARGE, aside


async def test_a_large_body_is_walked_in_a_thread_of_its_own() -> None:
    def where(_: bytes) -> int:
        return threading.get_ident()

    assert await aside(where, b"x" * LARGE) == threading.get_ident()
    assert await aside(where, b"x" * (LARGE + 1)) != threading.get_ident()
