"""The peer: extrawest-ocpi serving the same Locations from memory, by uvicorn.

It needs an older pydantic, so it lives in an environment of its own: made from peer.lock into
.venv-peer beside the checkout's .venv, once. This file runs there too, as the server.

    peer OBJECTS    a file with a JSON list of Locations
"""

import asyncio
import base64
import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
import venv
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

TOKEN = "token-c-of-the-peer"
_LOCK = Path(__file__).with_name("peer.lock")
_ROOT = Path(__file__).parents[2]
_HOME = _ROOT / ".venv-peer"


def shown(token: str) -> str:
    """The Authorization header with this token."""
    return f"Token {base64.b64encode(token.encode()).decode()}"


HEADERS = {"Authorization": shown(TOKEN)}


def environment(within_s: float | None = None) -> Path:
    """The interpreter of the peer's environment, made anew when the lock changed.

    Raises CalledProcessError when pip cannot install it, TimeoutExpired after `within_s` seconds.
    """
    python, mark = _HOME / "bin" / "python", _HOME / ".made-from"
    wanted = hashlib.sha256(_LOCK.read_bytes()).hexdigest()
    if not mark.exists() or mark.read_text() != wanted:
        venv.create(_HOME, clear=True, with_pip=True)
        subprocess.run(  # noqa: S603 - our own environment
            [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check",
             "--require-hashes", "-r", _LOCK],
            check=True, timeout=within_s,
        )  # fmt: skip
        mark.write_text(wanted)
    return python


@asynccontextmanager
async def served(objects: Path) -> AsyncIterator[Any]:
    from tests.bench import process  # noqa: PLC0415 - not in the peer's environment

    python = await asyncio.to_thread(environment)
    async with process.served(
        "tests.bench.peer", str(objects), python=str(python), quiet=True
    ) as running:
        yield running


def _application(objects: list[dict[str, Any]]) -> Any:
    from py_ocpi.core.authentication.authenticator import Authenticator  # noqa: PLC0415 - only in its environment
    from py_ocpi.core.crud import Crud  # noqa: PLC0415 - only in its environment
    from py_ocpi.core.enums import ModuleID, RoleEnum  # noqa: PLC0415 - only in its environment
    from py_ocpi.main import get_application  # noqa: PLC0415 - only in its environment
    from py_ocpi.modules.versions.enums import VersionNumber  # noqa: PLC0415 - only in its environment

    class Memory(Crud):
        @classmethod
        async def list(cls, _: Any, __: Any, filters: Any, *___: Any, **____: Any) -> Any:
            first, end = filters["offset"], filters["offset"] + filters["limit"]
            return objects[first:end], len(objects), end >= len(objects)

        get = create = update = delete = do = list  # noqa: A003 - never called

    class Known(Authenticator):
        @classmethod
        async def get_valid_token_c(cls) -> list[str]:
            return [TOKEN]

        @classmethod
        async def get_valid_token_a(cls) -> list[str]:
            return []

    return get_application(
        version_numbers=[VersionNumber.v_2_2_1],
        roles=[RoleEnum.cpo],
        crud=Memory,
        modules=[ModuleID.locations],
        authenticator=Known,
    )


def serve(listener: socket.socket, application: Any) -> None:
    """Tell the port and serve until the input ends, as `process.served` expects it."""
    import uvicorn  # noqa: PLC0415 - only in its environment

    threading.Thread(target=_until_input_ends, daemon=True).start()
    print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
    config = uvicorn.Config(
        application, loop="uvloop", http="httptools", log_level="warning", access_log=False
    )
    uvicorn.Server(config).run(sockets=[listener])


def _until_input_ends() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    serve(
        socket.create_server(("127.0.0.1", 0)),
        _application(json.loads(Path(sys.argv[1]).read_bytes())),
    )
