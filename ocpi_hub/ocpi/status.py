"""OCPI status codes and the errors that carry them.

    OcpiError             an answer that is not 1000: OCPI code + HTTP status + message
    +- NotJson            2000 / 400   the body is no JSON (STAT-001)
    +- Unauthorized       2000 / 401   no, unknown or spent token
    +- NoSuchResource     2000 / 404   unknown path, foreign owner, object not held
    +- MethodNotAllowed   2000 / 405
    +- InvalidParameter   2001 / 200   authenticated, well-formed, but wrong (STAT-002)

Source: OCPI 2.2.1, status_codes.asciidoc; HTTP side: hub rules STAT-001 to STAT-030.
"""

from enum import IntEnum


class Status(IntEnum):
    """Every code of the published tables that the hub itself emits."""

    SUCCESS = 1000
    CLIENT_ERROR = 2000
    INVALID_PARAMETER = 2001
    NOT_ENOUGH_INFORMATION = 2002
    UNKNOWN_LOCATION = 2003
    UNKNOWN_TOKEN = 2004
    SERVER_ERROR = 3000
    CLIENT_API_UNUSABLE = 3001
    UNSUPPORTED_VERSION = 3002
    MISSING_ENDPOINTS = 3003
    HUB_ERROR = 4000
    UNKNOWN_RECEIVER = 4001
    RECEIVER_TIMEOUT = 4002
    RECEIVER_NOT_CONNECTED = 4003


class OcpiError(Exception):
    """An answer other than success: `code` for the envelope, `http` for the status line."""

    def __init__(self, message: str, code: int = Status.CLIENT_ERROR, http: int = 200) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.http = http


class NotJson(OcpiError):
    def __init__(self, message: str) -> None:
        super().__init__(message, Status.CLIENT_ERROR, 400)


class Unauthorized(OcpiError):
    def __init__(
        self, message: str = "Authorization: a valid credentials token is required"
    ) -> None:
        super().__init__(message, Status.CLIENT_ERROR, 401)


class NoSuchResource(OcpiError):
    def __init__(self, message: str, code: int = Status.CLIENT_ERROR) -> None:
        super().__init__(message, code, 404)


class MethodNotAllowed(OcpiError):
    def __init__(self, message: str) -> None:
        super().__init__(message, Status.CLIENT_ERROR, 405)


class InvalidParameter(OcpiError):
    """Semantically wrong input; the message names the field and the rule."""

    def __init__(self, message: str) -> None:
        super().__init__(message, Status.INVALID_PARAMETER, 200)
