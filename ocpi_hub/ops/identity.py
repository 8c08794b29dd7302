"""Clock and ids for the rooms that act: injected, so that the rooms that decide stay pure."""

from datetime import UTC, datetime
from uuid import uuid4


def now() -> datetime:
    return datetime.now(UTC)


def fresh_id() -> str:
    """A new X-Request-ID or X-Correlation-ID (TR-074)."""
    return str(uuid4())
