"""The table: every request that the operators' door takes."""

from ocpi_hub.admin import agreements, keys, platforms, records

ROWS = (*platforms.ROWS, *agreements.ROWS, *keys.ROWS, *records.ROWS)
