"""Duties: what the hub does beyond relaying, one file per OCPI module.

Beside the duties stand the Protocols through which they and the doors meet storage and delivery:
`platforms` (who is connected), `store` (the hub's copy), `line` (its changes, in order),
`receivers` (how far each partner has come), `outgoing` (calls to partners), `journal`, `keys`,
`registrar`, `callbacks` (where results go), `memory` (whose relayed things are). A duty decides
with the pure rooms and acts through these; it knows no socket and no SQL.
"""
