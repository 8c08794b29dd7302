"""Rows of the catalogue that do not bind this hub, or that no message can show, with the reason.

They are shown as waived and never count as missing. A row that a later release will prove is no
such row: it stays "not yet".
"""

WAIVED = {
    "VER-012": "the hub has no modules of its own making, so there is no id to prefix",
    "VER-014": "partners that speak 2.2 are served too, so the hub advertises it beside 2.2.1",
    "ROUT-407": "sessions and CDRs are listed for nobody but their parties (ROUT-406): there is no "
    "list of all to leave items out of",
    "LOC-014": "about charge points of OCPP 1.x, which neither the hub nor its simulators have",
    "LOC-074": "how an operator cuts its sites into Locations; no message shows what it left out",
    "LOC-091": "where an operator takes its uids from; no message shows it",
    "LOC-096": "what drivers find by the directions on the spot; no message shows it",
    "LOC-097": "about charge points of OCPP 1.x, which neither the hub nor its simulators have",
    "LOC-124": "advice to who makes pictures; the hub passes their addresses on, and opens none",
    "CHP-023": "lets the operator say nothing of what it does not know: nothing that could fail",
    "TAR-027": "advice to who writes texts for drivers",
    "TAR-072": "the printed examples are read one by one; nothing loads them as one price list",
    "TOK-009": "how fast the hub relays is measured (make bench); no test asserts a time",
}
