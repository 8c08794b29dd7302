"""Running a hub: one process or several, with or without a database of its own.

`serve` brings the database up to date, opens the house (or several, watched) and stops cleanly.
"""

import asyncio
import gc
import signal
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import structlog

from ocpi_hub.bootstrap import bound, house, listen
from ocpi_hub.ops import logging
from ocpi_hub.ops.failpoint import VARIABLE, armed
from ocpi_hub.ops.tasks import Tasks
from ocpi_hub.ops.workers import NotReady, Worker
from ocpi_hub.security import UnsafeKeyFile, generated_key
from ocpi_hub.settings import PREFIX, Settings
from ocpi_hub.storage.database import UnusableDatabase
from ocpi_hub.storage.embedded import EmbeddedServer
from ocpi_hub.storage.migrate import Migration
from ocpi_hub.storage.migrate import migrate as apply_migrations
from ocpi_hub.storage.programs import NotStarted
from ocpi_hub.storage.receivers import free_all

log = structlog.get_logger("hub")

_UNSTARTABLE = (
    NotStarted,
    UnusableDatabase,
    UnsafeKeyFile,
    NotReady,
    OSError,
    asyncpg.PostgresError,
    ValueError,
)


def serve(settings: Settings, workers: int = 1, config: Path | None = None) -> int:
    """Serve until SIGTERM or SIGINT; 0 after a clean stop, 1 when the hub could not start."""
    logging.configure(settings.logging.format, settings.logging.level)
    try:
        _refuse_failpoints(settings)
        return _run(_hub(settings, workers, config))
    except _UNSTARTABLE as error:
        sys.stderr.write(f"ocpi-hub: {logging.mask(str(error) or repr(error))}\n")
        return 1


def _refuse_failpoints(settings: Settings) -> None:
    if armed() is not None and settings.delivery.require_https:
        raise ValueError(
            f"{VARIABLE}: is set, which kills the hub, as tests want; it is for development only, "
            f"where {PREFIX}DELIVERY__REQUIRE_HTTPS is false"
        )


def migrate(settings: Settings) -> int:
    """Bring the database to this version's tables, and say what was done."""
    logging.configure(settings.logging.format, settings.logging.level)

    async def work() -> int:
        async with _database_url(settings) as url:
            applied = await _migrated(settings, url)
        for migration in applied:
            sys.stdout.write(f"applied {migration.number:04d}_{migration.name}\n")
        sys.stdout.write("the database is up to date\n")
        return 0

    try:
        return _run(work())
    except _UNSTARTABLE as error:
        sys.stderr.write(f"ocpi-hub: {logging.mask(str(error) or repr(error))}\n")
        return 1


def _run(work: Coroutine[Any, Any, int]) -> int:
    """On uvloop where it exists."""
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return asyncio.run(work)
    return uvloop.run(work)


async def _hub(settings: Settings, workers: int, config: Path | None) -> int:
    stop = _Stop()
    shared = settings.server.shared or workers > 1
    listen(settings.server.listen, shared=shared).close()  # before a database is made in vain
    async with _database_url(settings) as url:
        with stop.ends_the_start():
            await _migrated(settings, url)
            if not settings.database.url.get_secret_value():
                await free_all(url)
            key = _key(settings)
            if workers > 1:
                await _supervise(settings, workers, url, key, config, stop)
            else:
                await _work(settings, url, key, stop)
    log.info("hub.stopped")
    return 0


async def _migrated(settings: Settings, url: str) -> Sequence[Migration]:
    """The tables brought up to date; raises UnusableDatabase where there is no way in."""
    try:
        return await apply_migrations(url)
    except (OSError, asyncpg.PostgresError) as error:
        if not settings.database.url.get_secret_value():
            raise
        raise UnusableDatabase(f"OCPI_HUB__DATABASE__URL: cannot be used: {error!r}") from None


class _Stop:
    """SIGTERM or SIGINT. Once the hub is ready somebody waits for it; before, it ends the start."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self._starting: asyncio.Task[Any] | None = None
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._ask)

    @contextmanager
    def ends_the_start(self) -> Iterator[None]:
        """What begins in here is cancelled when the signal comes before `wait`."""
        self._starting = asyncio.current_task()
        if self._asked.is_set():
            self._ask()
        try:
            yield
        except asyncio.CancelledError:
            if not self._asked.is_set():
                raise

    async def wait(self) -> None:
        self._starting = None
        await self._asked.wait()

    def _ask(self) -> None:
        self._asked.set()
        if self._starting is not None:
            self._starting.cancel()
            self._starting = None


@asynccontextmanager
async def _database_url(settings: Settings) -> AsyncIterator[str]:
    """The database of the settings, or the embedded server for as long as it is needed."""
    if url := settings.database.url.get_secret_value():
        yield url
        return
    server = EmbeddedServer(
        settings.data_dir, binaries=settings.database.binaries, fsync=settings.database.fsync
    )
    url = await server.start()
    watch = asyncio.ensure_future(server.watch())
    try:
        yield url
    finally:
        watch.cancel()
        await server.stop()


def _key(settings: Settings) -> str:
    return settings.security.key.get_secret_value() or generated_key(settings.data_dir)


async def _work(settings: Settings, url: str, key: str, stop: _Stop) -> None:
    """One process: ready when every duty is, then until `stop`."""
    listener = listen(settings.server.listen, shared=settings.server.shared)
    async with house(settings, url, key, listener) as address:
        gc.collect()
        gc.freeze()  # what start-up made stays: the collector need not look at it again
        gc.set_threshold(50_000, 20, 50)
        sys.stdout.write(f"ready {address}\n")
        sys.stdout.flush()
        await stop.wait()
        log.info("hub.stopping")


async def _supervise(  # noqa: PLR0917 - what a supervisor must know
    settings: Settings, count: int, url: str, key: str, config: Path | None, stop: _Stop
) -> None:
    """Several processes on one port; each is started again when it ends by itself."""
    with listen(settings.server.listen, shared=True) as holder:  # keeps the port, takes nothing
        address = bound(holder)
        workers = [
            Worker(
                number,
                [] if config is None else ["--config", str(config)],
                _environment(settings, number, address, url, key),
            )
            for number in range(count)
        ]
        tasks = Tasks()
        try:
            await asyncio.gather(*(worker.start() for worker in workers))
            for number, worker in enumerate(workers):
                _ = tasks.spawn(f"hub.worker_{number}", worker.run())
            sys.stdout.write(f"ready {settings.server.public_url or f'http://{address}'}\n")
            sys.stdout.flush()
            await stop.wait()
            log.info("hub.stopping", workers=count)
        finally:
            await asyncio.gather(*(worker.stop() for worker in workers))
            await tasks.close()


def _environment(
    settings: Settings, number: int, address: str, url: str, key: str
) -> Mapping[str, str]:
    """What a worker is told beside the supervisor's own environment and file."""
    told = {
        "SERVER__LISTEN": address,
        "SERVER__SHARED": "true",
        "DATABASE__URL": url,
        "SECURITY__KEY": key,
    }
    if settings.metrics.listen:
        host, _, port = settings.metrics.listen.rpartition(":")
        told["METRICS__LISTEN"] = f"{host}:{int(port) + number}"
    return {PREFIX + name: value for name, value in told.items()}
