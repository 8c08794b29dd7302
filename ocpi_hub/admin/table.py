"""The table: every request that the operators' door takes."""

from ocpi_hub.admin import agreements, findings, keys, platforms, records

ROWS = (*platforms.ROWS, *findings.ROWS, *agreements.ROWS, *keys.ROWS, *records.ROWS)
