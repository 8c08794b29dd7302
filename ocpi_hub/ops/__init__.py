"""Ops: what every room may use while it runs: logs, metrics, tasks that are never lost.

Logs are events (`room.thing_happened`) with keys; one processor masks secrets. Metrics have their
names in one file; what is counted for every message is a `tally` of plain numbers. `spawn` is the
only way to start a task: it keeps the reference and logs the end.
"""
