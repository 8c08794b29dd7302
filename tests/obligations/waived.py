"""Rows of the catalogue that do not bind this hub, each with the reason.

They are shown as waived and never count as missing. A row that a later release will prove is no
such row: it stays "not yet".
"""

WAIVED = {
    "VER-014": "partners that speak 2.2 are served too, so the hub advertises it beside 2.2.1",
}
