"""What takes long is told beside everything else."""

import threading

from ocpi_hub.inbound.interpreter import _LARGE, _aside


async def test_a_large_body_is_walked_in_a_thread_of_its_own() -> None:
    def where(_: bytes) -> int:
        return threading.get_ident()

    assert await _aside(where, b"x" * _LARGE) == threading.get_ident()
    assert await _aside(where, b"x" * (_LARGE + 1)) != threading.get_ident()
