"""The table: every request that the operators' door takes."""

from ocpi_hub.admin import keys, platforms, records

ROWS = (*platforms.ROWS, *keys.ROWS, *records.ROWS)

# Paths of the contract that this version does not have; the answer says so.
NOT_YET = {"agreements": "agreements are not in this version of the hub: everybody may roam"}
