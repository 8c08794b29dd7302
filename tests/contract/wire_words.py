"""What the tables do not know about the partners' document: words, bodies, answers, examples."""

from typing import Any, Final

from ocpi_hub.ocpi.primitives import InterfaceRole
from ocpi_hub.ocpi.v2_2_1 import (
    cdrs,
    chargingprofiles,
    commands,
    credentials,
    hubclientinfo,
    locations,
    session_enums,
    sessions,
    tariffs,
    tokens,
    versions,
)
from tests.contract.wire_schemas import DATE_TIME, NEW_VALUE

NOW: Final = "2026-11-24T07:01:12Z"
PARTS: Final = ("", ".evse", ".connector")  # how rows with optional segments are told apart
TWO_NAMES: Final = ("chargingprofiles", InterfaceRole.SENDER, 1)
CREATING: Final = {"cdrs.receiver.post"}  # always; its answer tells the address
STATES: Final = {f"credentials.sender.{method}" for method in ("post", "put", "delete")}

CONFIGURATION: Final = {
    "versions": ("/versions", "VersionList"),
    "versionDetails": ("/2.2.1", "VersionDetailsAnswer"),
}

SUMMARIES: Final[dict[str, tuple[str, ...]]] = {
    "versions": ("The OCPI versions of this hub",),
    "versionDetails": ("The endpoints of version 2.2.1",),
    "credentials.sender.get": ("The hub's credentials, with the token that you show",),
    "credentials.sender.post": (
        "Register with a registration token",
        (
            "While this request is open the hub reads your versions and version details with the "
            "token in the body. The answer holds the token that you show from now on."
        ),
    ),
    "credentials.sender.put": ("Renew tokens, endpoints and roles",),
    "credentials.sender.delete": ("End the connection; both tokens are void",),
    "hubclientinfo.sender.list": ("Who is connected, and how",),
    "locations.sender.list": ("All locations (TO the hub), or those of one party (TO it)",),
    "locations.sender.get": ("One location by its id",),
    "locations.sender.get.evse": ("One EVSE by the ids",),
    "locations.sender.get.connector": ("One connector by the ids",),
    "locations.receiver.get": ("A location as the receiver, or the hub, holds it",),
    "locations.receiver.get.evse": ("An EVSE as the receiver, or the hub, holds it",),
    "locations.receiver.get.connector": ("A connector as the receiver, or the hub, holds it",),
    "locations.receiver.put": ("Push a whole location",),
    "locations.receiver.put.evse": ("Push a whole EVSE",),
    "locations.receiver.put.connector": ("Push a whole connector",),
    "locations.receiver.patch": ("Push a change of a location",),
    "locations.receiver.patch.evse": ("Push a change of an EVSE, such as its status",),
    "locations.receiver.patch.connector": ("Push a change of a connector",),
    "tariffs.sender.list": ("All tariffs (TO the hub), or those of one party (TO it)",),
    "tariffs.receiver.get": ("A tariff as the receiver, or the hub, holds it",),
    "tariffs.receiver.put": ("Push a tariff",),
    "tariffs.receiver.delete": ("Withdraw a tariff",),
    "sessions.sender.list": ("Sessions of one party",),
    "sessions.sender.charging_preferences": ("Set a driver's charging preferences",),
    "sessions.receiver.get": ("A session as the receiver holds it",),
    "sessions.receiver.put": ("Push a session",),
    "sessions.receiver.patch": ("Push a change of a session",),
    "cdrs.sender.list": ("CDRs of one party",),
    "cdrs.receiver.post": (
        "Send a CDR",
        "`Location` in the answer is the CDR's address at the hub, which leads to the receiver.",
    ),
    "cdrs.receiver.get": ("A CDR at the address that its POST was answered with",),
    "tokens.sender.list": ("All tokens (TO the hub), or those of one party (TO it)",),
    "tokens.sender.authorize": ("Ask whether a token may charge",),
    "tokens.receiver.get": ("A token as the receiver, or the hub, holds it",),
    "tokens.receiver.put": ("Push a token",),
    "tokens.receiver.patch": ("Push a change of a token",),
    "commands.sender.post": (
        "Result of a command",
        "Goes to the address that the hub put in the place of `response_url`.",
    ),
    "commands.receiver.post": ("Send a command",),
    "chargingprofiles.sender.post": (
        "Result of a request for a charging profile",
        "Goes to the address that the hub put in the place of `response_url`.",
    ),
    "chargingprofiles.sender.put": ("Push the active charging profile of a session",),
    "chargingprofiles.receiver.get": ("Ask for the active charging profile",),
    "chargingprofiles.receiver.put": ("Set a charging profile",),
    "chargingprofiles.receiver.delete": ("Clear a charging profile",),
}

_COMMANDS = tuple(commands.COMMANDS.values())
_PROFILE_RESULTS = (
    chargingprofiles.ActiveChargingProfileResult,
    chargingprofiles.ChargingProfileResult,
    chargingprofiles.ClearProfileResult,
)

BODIES: Final[dict[str, tuple[type, ...]]] = {
    "credentials.sender.post": (credentials.Credentials,),
    "credentials.sender.put": (credentials.Credentials,),
    "locations.receiver.put": (locations.Location,),
    "locations.receiver.put.evse": (locations.Evse,),
    "locations.receiver.put.connector": (locations.Connector,),
    "locations.receiver.patch": (locations.LocationPatch,),
    "locations.receiver.patch.evse": (locations.EvsePatch,),
    "locations.receiver.patch.connector": (locations.ConnectorPatch,),
    "tariffs.receiver.put": (tariffs.Tariff,),
    "sessions.sender.charging_preferences": (sessions.ChargingPreferences,),
    "sessions.receiver.put": (sessions.Session,),
    "sessions.receiver.patch": (sessions.SessionPatch,),
    "cdrs.receiver.post": (cdrs.Cdr,),
    "tokens.sender.authorize": (tokens.LocationReferences,),
    "tokens.receiver.put": (tokens.Token,),
    "tokens.receiver.patch": (tokens.TokenPatch,),
    "commands.sender.post": (commands.CommandResult,),
    "commands.receiver.post": _COMMANDS,
    "chargingprofiles.sender.post": _PROFILE_RESULTS,
    "chargingprofiles.sender.put": (chargingprofiles.ActiveChargingProfile,),
    "chargingprofiles.receiver.put": (chargingprofiles.SetChargingProfile,),
}

ANSWERS: Final[dict[str, tuple[type, ...]]] = {
    "credentials.sender.get": (credentials.Credentials,),
    "credentials.sender.post": (credentials.Credentials,),
    "credentials.sender.put": (credentials.Credentials,),
    "hubclientinfo.sender.list": (hubclientinfo.ClientInfo,),
    "locations.sender.list": (locations.Location,),
    "locations.sender.get": (locations.Location,),
    "locations.sender.get.evse": (locations.Evse,),
    "locations.sender.get.connector": (locations.Connector,),
    "locations.receiver.get": (locations.Location,),
    "locations.receiver.get.evse": (locations.Evse,),
    "locations.receiver.get.connector": (locations.Connector,),
    "tariffs.sender.list": (tariffs.Tariff,),
    "tariffs.receiver.get": (tariffs.Tariff,),
    "sessions.sender.list": (sessions.Session,),
    "sessions.sender.charging_preferences": (session_enums.ChargingPreferencesResponse,),
    "sessions.receiver.get": (sessions.Session,),
    "cdrs.sender.list": (cdrs.Cdr,),
    "cdrs.receiver.get": (cdrs.Cdr,),
    "tokens.sender.list": (tokens.Token,),
    "tokens.sender.authorize": (tokens.AuthorizationInfo,),
    "tokens.receiver.get": (tokens.Token,),
    "commands.receiver.post": (commands.CommandResponse,),
    "chargingprofiles.receiver.get": (chargingprofiles.ChargingProfileResponse,),
    "chargingprofiles.receiver.put": (chargingprofiles.ChargingProfileResponse,),
    "chargingprofiles.receiver.delete": (chargingprofiles.ChargingProfileResponse,),
}

QUERIES: Final[dict[str, tuple[str, ...]]] = {
    "tokens.sender.authorize": ("type",),
    "tokens.receiver.get": ("type",),
    "tokens.receiver.put": ("type",),
    "tokens.receiver.patch": ("type",),
    "chargingprofiles.receiver.get": ("duration", "response_url"),
    "chargingprofiles.receiver.delete": ("response_url",),
}

KINDS: Final[list[type]] = list(
    dict.fromkeys(
        (
            versions.Version,
            versions.VersionDetails,
            *(kind for kinds in ANSWERS.values() for kind in kinds),
            *(kind for kinds in BODIES.values() for kind in kinds),
            commands.CommandType,
        )
    )
)


def _header(name: str, told: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": told, "schema": schema}


def _query(name: str, told: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", **more, "description": told, "schema": schema}


def _segment(name: str, told: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "description": told, "schema": schema}


_COUNTRY = {"type": "string", "pattern": "^[A-Za-z]{2}$"}
_PARTY = {"type": "string", "pattern": "^[A-Za-z0-9]{3}$"}
_MESSAGE_ID = {"type": "string", "maxLength": 64}
_ID = {"type": "string", "format": "ci-string", "minLength": 1, "maxLength": 36}
_LAST = {"type": "string", "minLength": 1}
_MOMENT = {"$ref": "#/components/schemas/DateTime"}

PARAMETERS: Final[dict[str, Any]] = {
    "to_country": _header(
        "OCPI-to-country-code",
        "Country code of the receiver; without TO the hub finds it",
        _COUNTRY,
    ),
    "to_party": _header("OCPI-to-party-id", "Party id of the receiver", _PARTY),
    "from_country": _header(
        "OCPI-from-country-code",
        "Country code of the sender; may be left out by a platform with one party",
        _COUNTRY,
    ),
    "from_party": _header("OCPI-from-party-id", "Party id of the sender", _PARTY),
    "request_id": _header("X-Request-ID", "Unique for this request", _MESSAGE_ID),
    "correlation_id": _header(
        "X-Correlation-ID", "The same on every hop of one message", _MESSAGE_ID
    ),
    "date_from": _query("date_from", "Changed at this time or later", _MOMENT),
    "date_to": _query("date_to", "Changed before this time", _MOMENT),
    "offset": _query("offset", "Objects to skip", {"type": "integer", "minimum": 0}),
    "limit": _query("limit", "Objects on a page at most", {"type": "integer", "minimum": 1}),
    "country_code": _segment("country_code", "Country code of the owner", _COUNTRY),
    "party_id": _segment("party_id", "Party id of the owner", _PARTY),
    "location_id": _segment("location_id", "Location.id", _ID),
    "evse_uid": _segment("evse_uid", "EVSE.uid", _ID),
    "connector_id": _segment("connector_id", "Connector.id", _ID),
    "tariff_id": _segment("tariff_id", "Tariff.id", _ID),
    "session_id": _segment("session_id", "Session.id", _ID),
    "cdr_id": _segment("cdr_id", "Last part of the address that the POST was answered with", _LAST),
    "token_uid": _segment("token_uid", "Token.uid", _ID),
    "command": _segment("command", "Which command", {"$ref": "#/components/schemas/CommandType"}),
    "uid": _segment("uid", "Last part of the address that the hub handed out", _LAST),
    "id": _segment(
        "id", "POST: last part of the address that the hub handed out; PUT: Session.id", _LAST
    ),
    "type": _query("type", "RFID when left out", {"$ref": "#/components/schemas/TokenType"}),
    "duration": _query("duration", "Seconds that the profile should cover", {"type": "integer"}),
    "response_url": _query(
        "response_url",
        "Where the result is to be sent",
        {"type": "string", "format": "uri", "maxLength": 255},
        required=True,
    ),
}

EVERY: Final = ("X-Request-ID", "X-Correlation-ID")
PARTIES: Final = (
    "OCPI-to-country-code",
    "OCPI-to-party-id",
    "OCPI-from-country-code",
    "OCPI-from-party-id",
)
PAGE: Final = ("Link", "X-Total-Count", "X-Limit")
CREATED: Final = (*PARTIES, "Location")
_TEXT = {"type": "string"}

HEADERS: Final[dict[str, Any]] = {
    "X-Request-ID": {"description": "That of the request", "schema": _MESSAGE_ID},
    "X-Correlation-ID": {"description": "That of the request", "schema": _MESSAGE_ID},
    "OCPI-to-country-code": {"description": "Who asked", "schema": _COUNTRY},
    "OCPI-to-party-id": {"description": "Who asked", "schema": _PARTY},
    "OCPI-from-country-code": {"description": "Who answers", "schema": _COUNTRY},
    "OCPI-from-party-id": {"description": "Who answers", "schema": _PARTY},
    "Link": {
        "description": "Address of the next page, through the hub; left out on the last one",
        "schema": _TEXT,
    },
    "X-Total-Count": {"description": "Objects on all pages", "schema": {"type": "integer"}},
    "X-Limit": {"description": "Objects on a page at most", "schema": {"type": "integer"}},
    "Location": {"description": "Address of a CDR at the hub", "schema": _TEXT},
    "Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer"}},
    "WWW-Authenticate": {"description": "`Token`", "schema": _TEXT},
}

SECURITY: Final = {
    "type": "http",
    "scheme": "Token",
    "description": "`Authorization: Token BASE64`: Base64 of the token that the hub issued.",
}

ENVELOPE: Final = {
    "description": "What every body is",
    "type": "object",
    "required": ["status_code", "timestamp"],
    "properties": {
        "data": {"description": "The answer itself, when there is one"},
        "status_code": {
            "type": "integer",
            "minimum": 1000,
            "maximum": 9999,
            "description": "1000 is success",
        },
        "status_message": {"type": "string", "description": "What is wrong, for people"},
        "timestamp": {"$ref": "#/components/schemas/DateTime"},
    },
}

COMMON: Final = {"Envelope": ENVELOPE, "DateTime": DATE_TIME, "NewValue": NEW_VALUE}

ERRORS: Final = {
    "400": "NotJson",
    "401": "Unauthorized",
    "404": "NotFound",
    "405": "WrongState",
    "408": "TooSlow",
    "413": "TooLarge",
    "415": "Encoded",
    "429": "TooMany",
    "4XX": "Refused",
    "503": "Busy",
}


def _refusal(told: str, *headers: str, message: str = "", code: int = 2000) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"$ref": "#/components/schemas/Envelope"}}
    if message:
        content["example"] = {"status_code": code, "status_message": message, "timestamp": NOW}
    return {
        "description": told,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in (*EVERY, *headers)},
        "content": {"application/json": content},
    }


REFUSALS: Final = {
    "NotJson": _refusal(
        "The body is not JSON, or it broke off", message="body: a JSON body is required"
    ),
    "Unauthorized": _refusal(
        "No token, or one that the hub does not know",
        "WWW-Authenticate",
        message="Authorization: a valid credentials token is required",
    ),
    "NotFound": _refusal(
        "There is no such object, or it is not the sender's",
        message="no party is known to own this object",
    ),
    "WrongState": _refusal("Registered already (POST), or not yet (PUT, DELETE)"),
    "TooSlow": _refusal("The body did not arrive in time; the connection closes"),
    "TooLarge": _refusal("The body is larger than the hub takes; the connection closes"),
    "Encoded": _refusal("The body is encoded otherwise than by gzip or deflate"),
    "TooMany": _refusal("Too many requests of this platform", "Retry-After"),
    "Refused": _refusal("A refusal of the receiver, passed on as it came", *PARTIES),
    "Busy": _refusal("The hub has too much to do", "Retry-After"),
}

EXAMPLES: Final[dict[str, Any]] = {
    "credentials.sender.post": {
        "token": "token-that-the-hub-shall-show",
        "url": "https://ocpi.voltwerk.example/versions",
        "roles": [
            {
                "country_code": "DE",
                "party_id": "VWK",
                "role": "CPO",
                "business_details": {"name": "Voltwerk GmbH"},
            }
        ],
    },
    "locations.receiver.patch.evse": {"status": "CHARGING", "last_updated": NOW},
    "commands.receiver.post": {
        "response_url": "https://ocpi.fahrstrom.example/2.2.1/commands/STOP_SESSION/7",
        "session_id": "S-2041",
    },
}

ANSWER_EXAMPLES: Final[dict[str, Any]] = {
    "Version": {"version": "2.2.1", "url": "https://hub.example/ocpi/2.2.1"},
    "VersionDetails": {
        "version": "2.2.1",
        "endpoints": [
            {
                "identifier": "locations",
                "role": "RECEIVER",
                "url": "https://hub.example/ocpi/2.2.1/receiver/locations",
            }
        ],
    },
    "Credentials": {
        "token": "token-that-you-shall-show",
        "url": "https://hub.example/ocpi/versions",
        "roles": [
            {
                "country_code": "NL",
                "party_id": "HUB",
                "role": "HUB",
                "business_details": {"name": "OCPI Hub"},
            }
        ],
    },
    "ClientInfo": {
        "country_code": "DE",
        "party_id": "VWK",
        "role": "CPO",
        "status": "CONNECTED",
        "last_updated": "2026-11-24T06:00:00Z",
    },
    "CommandResponse": {"result": "ACCEPTED", "timeout": 30},
}
