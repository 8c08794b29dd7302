"""Times on the command line."""

from datetime import datetime

import typer


def moment(text: str | None) -> str | None:
    """The time as it was written; BadParameter when the admin API could not read it."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise typer.BadParameter(
            f"{text!r} is not a time with its zone, such as 2026-11-01T00:00:00Z"
        )
    return text
