"""Rows of the number line as changes."""

from functools import lru_cache, partial
from urllib.parse import quote

from ocpi_hub.modules.line import Change, Message, ObjectKey, Place
from ocpi_hub.modules.stamp import moment
from ocpi_hub.ocpi import codec
from ocpi_hub.ocpi.primitives import PartyRef, format_datetime
from ocpi_hub.routing.directory import PlatformId
from ocpi_hub.storage.database import Row
from ocpi_hub.storage.pages import location_body


def change_of(row: Row) -> Change:
    state = _state(row)
    message = row["message"]
    return Change(
        place=Place(row["x"], row["seq"]),
        previous=Place(row["prev_x"], row["prev_seq"]),
        key=ObjectKey(row["module"], row["country"], row["party"], row["id"], row["part"]),
        owner=_owner(row["country_code"], row["party_id"]),
        message=Message(row["method"], row["path"], state if message is None else message),
        state_path=_path(row),
        state=state,
        last_updated=moment(row["last_updated"]),
        public=row["publish"],
        origin=PlatformId(row["origin"]),
        correlation_id=row["correlation_id"],
        turned=Place(row["turn_x"], row["turn_seq"]),
        listed=row["listed"],
    )


_owner = lru_cache(4096)(PartyRef)
_quoted = lru_cache(4096)(partial(quote, safe=""))


def _state(row: Row) -> bytes:
    if row["module"] == "hubclientinfo":
        return _client_info(row)
    if row["module"] == "locations" and not row["part"]:
        return location_body(row)
    body: bytes | None = row["body"]
    return body or b""  # none: it was deleted


def _path(row: Row) -> str:
    if row["module"] == "hubclientinfo":
        path: str = row["path"]
        return path
    ids = [_quoted(row[name]) for name in ("location_id", "spelling") if row[name]]
    return ("?type=" if row["module"] == "tokens" else "/").join(ids)


def _client_info(row: Row) -> bytes:
    return codec.encode(
        {
            "country_code": row["country_code"],
            "party_id": row["party_id"],
            "role": row["location_id"],
            "status": row["spelling"],
            "last_updated": format_datetime(moment(row["last_updated"])),
        }
    )
