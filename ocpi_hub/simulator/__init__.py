"""Simulated partners: charge point operators, e-mobility providers and navigation platforms.

They promise to be platforms of their own: each has its HTTP server on a loopback port, its own
tokens, versions, credentials and modules, and knows the hub only through OCPI. What holds between
them and the hub would hold between the hub and a stranger. Demo, scenarios and benchmarks use them.

Nouns: `SimulatedPlatform` (server, client, handshake, `Errands`), `Routes` and `page` (what its
interfaces are made of), `Faults` (how it misbehaves on request), `Record` (what came in), `Cpo`
with `stations` and `sessions`, `Copy` (what a receiver holds), `Emsp`, `Nsp`, `Car`, and `demo`,
which puts them around a hub in a process of its own.

They refuse to look into the hub: no import of its storage, doors or duties.
"""
