"""A place behind a cable of its own: a network namespace whose packets can be made to vanish.

Needs root and `ip`; what wants one is skipped, with the reason, where it cannot be made.
"""

import ctypes
import os
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from aiohttp import web

from ocpi_hub.simulator.server import Desk, Server

ESTABLISHED = "01"
_CLONE_NEWNET = 0x4000_0000
_DONE = "06"  # TIME-WAIT
_NETWORKS = 2**14  # of four addresses each, in 10.240.0.0/16
_numbers = count()


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """`here` and `there`: the addresses of the two ends of the cable."""

    name: str
    here: str
    there: str

    def cut(self) -> None:
        """From now on packets vanish in both directions, and nobody is told."""
        _ip("-n", self.name, "route", "add", "blackhole", self.here)

    def mend(self) -> None:
        _ip("-n", self.name, "route", "del", "blackhole", self.here)

    def listening(self, port: int = 0) -> socket.socket:
        """A listening socket over there, for use here: a socket stays where it was made."""

        def make() -> socket.socket:
            with Path("/run/netns", self.name).open(encoding="ascii") as place:
                if ctypes.CDLL(None, use_errno=True).setns(place.fileno(), _CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
            return socket.create_server((self.there, port))

        with ThreadPoolExecutor(1) as thread:  # a namespace is a thread's own; this one ends
            return thread.submit(make).result()

    def states(self) -> set[str]:
        """The states of the TCP connections from here to there that the system works for."""
        remote = socket.inet_aton(self.there)[::-1].hex().upper()
        lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return {each[3] for each in lines if each[2].startswith(remote)} - {_DONE}


class ServerElsewhere(Server):
    """The answering side of a simulated platform that lives there."""

    def __init__(self, desk: Desk, place: Elsewhere) -> None:
        super().__init__(desk)
        self._place = place

    @property
    def url(self) -> str:
        return f"http://{self._place.there}:{self.port}/ocpi"

    async def start(self) -> None:
        server = web.Server(self._serve, handler_cancellation=True)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.2)
        await self._runner.setup()
        listener = self._place.listening(self.port)
        self.port = listener.getsockname()[1]
        await web.SockSite(self._runner, listener).start()


@contextmanager
def elsewhere() -> Iterator[Elsewhere]:
    """Made for one test and gone after it."""
    number = next(_numbers)
    network = (os.getpid() * 7 + number) % _NETWORKS * 4
    base = f"10.240.{network // 256}."
    place = Elsewhere(
        f"ocpi-hub-{os.getpid()}-{number}",
        base + str(network % 256 + 1),
        base + str(network % 256 + 2),
    )
    near, far = f"oh{os.getpid()}n{number}", f"oh{os.getpid()}f{number}"
    try:
        _make(place, near, far)
    except (OSError, subprocess.SubprocessError) as error:
        _unmake(place, near)
        pytest.skip(f"no network namespace can be made here: {error}")
    try:
        yield place
    finally:
        _unmake(place, near)


def _make(place: Elsewhere, near: str, far: str) -> None:
    _ip("netns", "add", place.name)
    _ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", place.name)
    _ip("addr", "add", f"{place.here}/30", "dev", near)
    _ip("link", "set", near, "up")
    inside = ("-n", place.name)
    _ip(*inside, "addr", "add", f"{place.there}/30", "dev", far)
    _ip(*inside, "link", "set", far, "up")
    # What comes from where no way leads back is dropped: one route cuts both directions.
    strict = "echo 1 > /proc/sys/net/ipv4/conf/all/rp_filter"
    _ip("netns", "exec", place.name, "sh", "-c", strict)


def _unmake(place: Elsewhere, near: str) -> None:
    for what in (("link", "del", near), ("netns", "del", place.name)):
        subprocess.run(["ip", *what], capture_output=True, check=False)  # noqa: S603, S607 - our own


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], capture_output=True, check=True, timeout=10)  # noqa: S603, S607 - our own
