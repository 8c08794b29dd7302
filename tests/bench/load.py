"""The load: prepared requests over kept connections, from a process of its own.

Bounded in time and in number. A connection sends one request after the other of a script, each as
soon as the one before is answered, then takes the next script. Only the loopback is called.
"""

import asyncio
import pickle
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import uvloop

HOST = "127.0.0.1"
GRACE_S = 30.0  # for the answers that are awaited when time is up
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Load:
    """`scripts` of requests; every answer must be a 2xx that holds `expect` near its end."""

    port: int
    scripts: Sequence[Sequence[bytes]]
    connections: int
    seconds: float
    expect: bytes = b""


@dataclass(slots=True)
class Result:
    """`seconds` from the first request to the last answer; `latencies` in seconds, sorted."""

    done: int
    seconds: float
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.done / self.seconds


class BadAnswer(Exception):
    """The server answered something else than expected; its first and last bytes are shown."""


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """The bytes of one request."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def run(load: Load) -> Result:
    """Run a load in a process of its own; raises BadAnswer."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.load",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(load.seconds + 2 * GRACE_S):
            out, _ = await process.communicate(pickle.dumps(load))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    result = pickle.loads(out)  # noqa: S301 - our own child
    if isinstance(result, BadAnswer):
        raise result
    return result


class _Connection(asyncio.Protocol):
    def __init__(self, requests: Iterator[bytes], until: float, expect: bytes) -> None:
        self.done = asyncio.get_running_loop().create_future()
        self.latencies: list[float] = []
        self._requests = requests
        self._until = until
        self._expect = expect
        self._head = b""
        self._left = 0
        self._tail = b""

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        if not self._left:
            self._head += data
            head, end, data = self._head.partition(_END)
            if not end:
                return
            length = _LENGTH.search(head)
            if not head.startswith(b"HTTP/1.1 2") or length is None:
                self._fail(self._head)
                return
            self._head, self._left = b"", int(length[1])
        self._left -= len(data)
        self._tail = self._tail[-300:] + data if len(data) < 300 else data
        if self._left <= 0:
            self._answered()

    def connection_lost(self, _: Exception | None) -> None:
        self._fail(b"connection lost")

    def _answered(self) -> None:
        self.latencies.append(time.perf_counter() - self._sent)
        if self._left < 0 or self._expect not in self._tail[-300:]:
            self._fail(self._tail)
        else:
            self._tail = b""
            self._send()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        prepared = next(self._requests, None) if self._sent < self._until else None
        if prepared is not None:
            self._transport.write(prepared)
        elif not self.done.done():
            self.done.set_result(None)
            self._transport.close()

    def _fail(self, answer: bytes) -> None:
        if not self.done.done():
            self.done.set_exception(BadAnswer(answer[:300] + b" ... " + answer[-300:]))
            self._transport.close()


async def _work(load: Load) -> Result:
    requests = iter(load.scripts)

    def told() -> Iterator[bytes]:
        for script in requests:
            yield from script

    loop, started = asyncio.get_running_loop(), time.perf_counter()
    until = started + load.seconds
    connections = [
        (
            await loop.create_connection(
                lambda: _Connection(told(), until, load.expect), HOST, load.port
            )
        )[1]
        for _ in range(load.connections)
    ]
    async with asyncio.timeout(load.seconds + GRACE_S):
        await asyncio.gather(*(connection.done for connection in connections))
    seconds = time.perf_counter() - started
    latencies = sorted(spent for each in connections for spent in each.latencies)
    return Result(len(latencies), seconds, latencies)


def main() -> None:
    load = pickle.load(sys.stdin.buffer)  # noqa: S301 - our own parent
    try:
        result: Result | BadAnswer = uvloop.run(_work(load))
    except BadAnswer as error:
        result = error
    pickle.dump(result, sys.stdout.buffer)


if __name__ == "__main__":
    # Under its own name, so that what is pickled is found by the parent.
    from tests.bench.load import main as work

    work()
