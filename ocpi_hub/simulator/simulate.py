"""Partners that play at a hub which runs already: what the demo does, at a hub of somebody else.

They come with parties that nobody hosts there, and are taken away in the end, whatever ended it.
The hub has to run on this machine and to allow partners here: they speak http on loopback ports.
"""

from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import aiohttp
from rich.console import Console

from ocpi_hub.simulator import ending
from ocpi_hub.simulator.cast import cast
from ocpi_hub.simulator.ending import Ending
from ocpi_hub.simulator.operator import AdminFailed, Operator
from ocpi_hub.simulator.play import Play
from ocpi_hub.simulator.script import Script
from ocpi_hub.simulator.voice import Voice


@dataclass(frozen=True, slots=True)
class Options:
    """`keep` leaves the platforms at the hub in the end, registered and not reachable."""

    url: str
    admin_key: str
    script: Script = field(default_factory=Script)
    keep: bool = False


def run(options: Options, console: Console | None = None) -> int:
    """Play until the end: 0 when all went well, 1 when the hub refused or something did not arrive.

    Ctrl-C ends it at any time with 0.
    """
    console = console or Console()
    voice = Voice(console, options.script.plain or not console.is_terminal)
    return ending.run(lambda asked: _play(options, voice, asked), console)


async def _play(options: Options, voice: Voice, asked: Ending) -> int:
    script = options.script
    async with AsyncExitStack() as stack:
        operator = await stack.enter_async_context(Operator(options.url, options.admin_key))
        players = cast(script, await operator.hosted())
        for platform in players.platforms:
            await stack.enter_async_context(platform)
        if not options.keep:
            stack.push_async_callback(_take_away, operator, voice)
        for cpo in players.cpos:
            cpo.renew()
        return await Play(script, players, operator, voice, asked).perform()


async def _take_away(operator: Operator, voice: Voice) -> None:
    """Remove what was made at the hub; what cannot be removed is named."""
    if not operator.made:
        return
    voice.say("Taking the partners away from the hub ...")
    for path in reversed(operator.made.copy()):
        try:
            await operator.remove(path)
        except (AdminFailed, aiohttp.ClientError, TimeoutError) as error:
            voice.say(f"{path} is still at the hub: {str(error) or repr(error)}")
