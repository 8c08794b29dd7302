"""The demo: a hub in its own process, simulated partners around it, and a table to watch them."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from ocpi_hub.simulator import ending
from ocpi_hub.simulator.cast import cast
from ocpi_hub.simulator.ending import Ending
from ocpi_hub.simulator.hub_process import HubProcess
from ocpi_hub.simulator.operator import Operator
from ocpi_hub.simulator.play import Play
from ocpi_hub.simulator.script import Script
from ocpi_hub.simulator.voice import Voice


@dataclass(frozen=True, slots=True)
class Options:
    """`data_dir` keeps the hub's data; without it they are forgotten."""

    script: Script = field(default_factory=Script)
    data_dir: Path | None = None
    hub_settings: Mapping[str, str] = field(default_factory=dict)


def run(options: Options, console: Console | None = None) -> int:
    """Play until the end: 0 when all went well, 1 when the hub failed or something did not arrive.

    Ctrl-C ends it at any time with 0.
    """
    console = console or Console()
    voice = Voice(console, options.script.plain or not console.is_terminal)
    return ending.run(lambda asked: _play(options, voice, asked), console)


async def _play(options: Options, voice: Voice, asked: Ending) -> int:
    script = options.script
    players = cast(script)
    async with AsyncExitStack() as stack:
        for platform in players.platforms:  # they outlive the hub, as partners do
            await stack.enter_async_context(platform)
        folder = options.data_dir or stack.enter_context(_scratch())
        folder.mkdir(parents=True, exist_ok=True)
        hub = HubProcess(folder, options.hub_settings)
        voice.say(f"Starting the hub; its log is {hub.log}")
        with voice.waiting(lambda: hub.doing):
            await stack.enter_async_context(hub)
        stack.callback(_farewell, hub, voice)
        operator = await stack.enter_async_context(Operator(hub.url, hub.admin_key))
        if options.data_dir:  # perhaps not the first play there
            for cpo in players.cpos:
                cpo.renew()
        facts = (("Log", f"{hub.log}   (process {hub.pid})"),)
        play = Play(script, players, operator, voice, asked, True, hub.ended, facts)
        return await play.perform()


def _farewell(hub: HubProcess, voice: Voice) -> None:
    if hub.lives:
        voice.say("Stopping the hub ...")


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder for one run; an embedded PostgreSQL under another account may pass through it."""
    folder = Path(tempfile.mkdtemp(prefix="ocpi-hub-demo-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
