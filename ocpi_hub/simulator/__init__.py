"""Simulated partners: charge point operators, e-mobility providers and navigation platforms.

They promise to be platforms of their own: each has its HTTP server on a loopback port, its own
tokens, versions, credentials and modules, and knows the hub only through OCPI. What holds between
them and the hub would hold between the hub and a stranger. Demo, scenarios and benchmarks use them.

Nouns: `SimulatedPlatform` (server, client, handshake, `Errands`), `Routes` and `page` (what its
interfaces are made of), `Faults` (how it misbehaves on request), `Record` (what came in).
A `Cpo` has stations, a `Charge` for each session (a pure machine: time in, changes and a CDR out,
with `Meter` and `bill`), a desk or book for each module. `Emsp`, `Nsp` and `Scsp` hold a `Copy` and
books of their own; a `Fleet` of drivers and a `Car` use them. `demo` puts all around a hub in a
process of its own.

They refuse to look into the hub: no import of its storage, doors or duties.
"""
