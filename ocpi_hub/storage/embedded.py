"""PostgreSQL as a child of the hub: nothing to install, one command to start.

The cluster lives in `DATA_DIR/postgres/data`, its socket in a folder beside it that only its owner
can enter; there is no network listener. Who connects is checked by the system (peer).
The server refuses uid 0: started as root it runs under an unprivileged account.
"""

import asyncio
import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from urllib.parse import quote

import asyncpg
import structlog

from ocpi_hub.storage import programs
from ocpi_hub.storage.programs import Account, NotStarted

log = structlog.get_logger("storage")

NAME = "ocpi_hub"  # of the database and of its user
ELSEWHERE = Path("/var/lib/ocpi-hub")
SOCKET_PATH = 107  # bytes in sockaddr_un
READY_S = 300.0  # crash recovery may have much to replay
STOP_S = 30.0
_CONFIG = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "192MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "wal_level": "replica",
    "synchronous_commit": "on",
    # Constraint violations are answers, not faults; what stops the server is logged.
    "log_min_messages": "fatal",
    "log_min_error_statement": "panic",
}


class EmbeddedServer:
    """One cluster and its server. `await start()` gives the URL; `await stop()` ends it cleanly.

    `binaries`: folder with initdb and postgres (empty: search). `fsync` false: tests only.
    `elsewhere`: where the cluster goes when root's unprivileged account cannot reach `data_dir`.
    """

    def __init__(
        self, data_dir: Path, *, binaries: str = "", fsync: bool = True, elsewhere: Path = ELSEWHERE
    ) -> None:
        self._data_dir = data_dir.absolute()
        self._binaries = binaries
        self._fsync = fsync
        self._elsewhere = elsewhere
        self._account: Account | None = None
        self._bin = self._home = self._socket = Path()
        self._lock: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return self._url(NAME)

    @property
    def bin(self) -> Path:
        """The folder of psql, pg_dump and the others that belong to this server."""
        return self._bin

    async def start(self) -> str:
        """Make the cluster if there is none, start it, wait until it answers; returns the URL.

        Raises NotStarted, with what to do, when that cannot be.
        """
        try:
            await asyncio.to_thread(self._prepare)
            await asyncio.to_thread(self._spawn)
            await self._ready()
        except BaseException:
            await self.stop()
            raise
        return self.url

    async def watch(self, every_s: float = 0.2) -> None:
        """Start the server again whenever it dies by itself; runs until cancelled."""
        while True:
            await asyncio.sleep(every_s)
            if self._process is not None and self._process.poll() is not None:
                log.error("storage.postgres_died", returncode=self._process.returncode)
                await asyncio.to_thread(self._end_leftovers)
                await asyncio.to_thread(self._spawn)
                await self._ready()

    async def stop(self) -> None:
        """Fast shutdown: sessions are ended, everything is flushed."""
        await asyncio.to_thread(self._stop)

    def _prepare(self) -> None:
        self._claim()
        self._account = programs.unprivileged()
        found = programs.find(self._binaries)
        self._home = self._place()
        self._bin = programs.reachable(found, self._account, self._elsewhere)
        self._socket = self._home / "socket"
        self._end_leftovers()
        if not (self._home / "data" / "PG_VERSION").exists():
            self._initdb()
        self._open_socket_folder()
        self._write_access()

    def _claim(self) -> None:
        """Take the data directory for this process, or say who has it."""
        if not self._data_dir.exists():
            self._data_dir.mkdir(parents=True)
            self._data_dir.chmod(0o711)  # the server's account passes through, nobody lists it
        self._lock = (self._data_dir / "postgres.lock").open("a+")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.seek(0)
            holder = self._lock.read().strip() or "an unknown process"
            self._lock.close()
            self._lock = None
            raise NotStarted(
                f"{self._data_dir} is in use by {holder}: stop it, or choose another data directory"
            ) from None
        self._lock.truncate(0)
        self._lock.write(f"process {os.getpid()} since {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\n")
        self._lock.flush()

    def _place(self) -> Path:
        """Where the cluster is, or shall be: beside the rest, or where its account can reach it."""
        home = self._data_dir / "postgres"
        if home.exists():
            if not programs.enters(self._account, home.resolve()):
                raise NotStarted(f"account {self._account} cannot reach {home.resolve()}")
            return home.resolve()
        if programs.enters(self._account, self._data_dir):
            home.mkdir()
            home.chmod(0o711)
            return home
        other = programs.folder_of(self._data_dir, self._elsewhere)
        home.unlink(missing_ok=True)  # a link to a folder that is gone
        home.symlink_to(other)
        log.warning(
            "storage.postgres_elsewhere",
            data_dir=str(self._data_dir),
            folder=str(other),
            reason=f"account {self._account} cannot reach the data directory",
        )
        return other

    def _initdb(self) -> None:
        """Make the cluster under another name first: half a cluster is never taken for one."""
        log.info("storage.postgres_creating", folder=str(self._home))
        fresh = self._home / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        programs.own_folder(fresh, self._account)
        options = ["--auth=peer", "--no-instructions", *([] if self._fsync else ["--no-sync"])]
        done = subprocess.run(  # noqa: S603 - our own programs and paths
            [self._bin / "initdb", "-D", fresh, "-U", NAME, "-E", "UTF8", "--locale=C", *options],
            **programs.running_as(self._account),
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise NotStarted(f"initdb failed: {done.stderr.decode(errors='replace').strip()}")
        fresh.rename(self._home / "data")
        folder = os.open(self._home, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    def _open_socket_folder(self) -> None:
        if len(os.fsencode(self._socket / ".s.PGSQL.5432")) > SOCKET_PATH:
            self._socket = Path(tempfile.mkdtemp(prefix="ocpi-hub-", dir="/tmp"))
        programs.own_folder(self._socket, self._account)

    def _write_access(self) -> None:
        """Only the server's account and this process's user may connect, as the hub's user."""
        names = {programs.user_name(os.geteuid()), programs.user_name(self._server_uid)}
        lines = "".join(f'hub "{name}" {NAME}\n' for name in sorted(names))
        for file, text in (
            ("pg_hba.conf", "local all all peer map=hub\n"),
            ("pg_ident.conf", lines),
        ):
            (self._home / file).write_text(text)
            (self._home / file).chmod(0o644)

    @property
    def _server_uid(self) -> int:
        return self._account.uid if self._account else os.geteuid()

    def _spawn(self) -> None:
        config = {
            **_CONFIG,
            "fsync": "on" if self._fsync else "off",
            "unix_socket_directories": str(self._socket),
            "hba_file": str(self._home / "pg_hba.conf"),
            "ident_file": str(self._home / "pg_ident.conf"),
        }
        options = [part for name, value in config.items() for part in ("-c", f"{name}={value}")]
        log.info("storage.postgres_starting")
        with self._log_file.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own programs and paths
                [self._bin / "postgres", "-D", self._home / "data", *options],
                **programs.running_as(self._account),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for the hub, which then stops the server
            )

    @property
    def _log_file(self) -> Path:
        return self._home / "postgres.log"

    async def _ready(self) -> None:
        """Wait by connecting; make the database on the first start."""
        async with asyncio.timeout(READY_S):
            while (connection := await self._connected()) is None:
                if self._process is None or self._process.poll() is not None:
                    tail = self._log_file.read_text(errors="replace").strip()[-2000:]
                    raise NotStarted(f"PostgreSQL did not start: {tail}")
                await asyncio.sleep(0.02)
        try:
            if not await connection.fetchval("select 1 from pg_database where datname = $1", NAME):
                await connection.execute(f"create database {NAME}")
        finally:
            await connection.close(timeout=5)

    async def _connected(self) -> asyncpg.Connection | None:
        try:
            return await asyncpg.connect(self._url("postgres"), timeout=5)
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError):
            return None

    def _url(self, database: str) -> str:
        return f"postgresql://{NAME}@/{database}?host={quote(str(self._socket), safe='')}"

    def _end_leftovers(self) -> None:
        """Stop a server that outlived a killed hub, and clear the pid file that it leaves."""
        data = self._home / "data"
        pid_file = data / "postmaster.pid"
        working = programs.working_in(data, self._account)
        with suppress(FileNotFoundError, ValueError, IndexError, ProcessLookupError):
            postmaster = int(pid_file.read_text().split()[0])
            if postmaster in working:
                log.warning("storage.postgres_left_over", pid=postmaster)
                os.kill(postmaster, signal.SIGINT)
        if not programs.gone(data, self._account, STOP_S):
            raise NotStarted(
                f"an earlier PostgreSQL still works in {data} (as {working}): end it first"
            )
        # With nobody at work there its lock files are stale. PostgreSQL alone would take them for
        # live when its pid was given to another process since, or nobody reaped it.
        pid_file.unlink(missing_ok=True)
        for stale in self._socket.glob(".s.PGSQL.*"):
            stale.unlink()

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)
                process.wait(STOP_S)
        if self._socket.name and self._socket.parent != self._home:
            shutil.rmtree(self._socket, ignore_errors=True)
        if self._lock is not None:
            self._lock.truncate(0)
            self._lock.close()
            self._lock = None
