"""How far the lists of partners were read: `modules.pull.PullBook` over PostgreSQL."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from ocpi_hub.modules.line import ObjectKey, Place
from ocpi_hub.modules.pull import Held, Kind, State, Tally
from ocpi_hub.ocpi.primitives import PartyRef
from ocpi_hub.routing.directory import PlatformId
from ocpi_hub.storage.database import Database, Row
from ocpi_hub.storage.queries import queries

LOCATIONS = "locations"


class PostgresPulls:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = queries(__file__)

    async def states(
        self, platforms: Collection[PlatformId]
    ) -> Mapping[tuple[PlatformId, str], State]:
        rows = await self._database.fetch(self._sql["states"], list(platforms))
        return {(PlatformId(row["platform"]), row["module"]): _state(row) for row in rows}

    async def admit(self, platform: PlatformId, module: str, next_at: datetime) -> None:
        await self._database.execute(self._sql["admit"], platform, module, next_at)

    async def owe(
        self, platform: PlatformId, modules: Collection[str], kind: Kind, at: datetime
    ) -> None:
        await self._database.execute(self._sql["owe"], platform, list(modules), kind, at)

    async def begun(self, platform: PlatformId, module: str, at: datetime) -> None:
        await self._database.execute(self._sql["begun"], platform, module, at)

    async def ended(self, platform: PlatformId, module: str, state: State, tally: Tally) -> None:
        await self._database.execute(
            self._sql["ended"],
            platform,
            module,
            tally.began_at,
            state.synced_at,
            state.full_at,
            state.owed or "",
            state.failures,
            state.next_at,
            _shown(tally),
        )

    async def held(self, module: str, owners: Collection[PartyRef]) -> Sequence[Held]:
        keys = [owner.key for owner in owners]
        name = "held_locations" if module == LOCATIONS else "held_objects"
        of = () if module == LOCATIONS else (module,)
        rows = await self._database.fetch(
            self._sql[name], [key[0] for key in keys], [key[1] for key in keys], *of
        )
        return [_location(row) if module == LOCATIONS else _object(row) for row in rows]


def _state(row: Row) -> State:
    return State(
        next_at=row["next_at"],
        synced_at=row["synced_at"],
        full_at=row["full_at"],
        owed=Kind(row["owed"]) if row["owed"] else None,
        failures=row["failures"],
        begun_at=row["begun_at"],
        last=row["last"],
    )


def _shown(tally: Tally) -> Mapping[str, object]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(tally).items()
    }


def _owner(row: Row) -> PartyRef:
    return PartyRef(row["country_code"], row["party_id"])


def _location(row: Row) -> Held:
    key = ObjectKey(LOCATIONS, row["country"], row["party"], row["id"])
    return Held(key, _owner(row), (row["location_id"],), Place(*row["place"]))


def _object(row: Row) -> Held:
    key = ObjectKey(row["module"], row["country"], row["party"], row["id"], row["part"])
    ids = (row["object_id"], row["spelling"]) if row["part"] else (row["object_id"],)
    return Held(key, _owner(row), ids, Place(*row["place"]))
