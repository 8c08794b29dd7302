"""Commands: what `ocpi-hub` does when it does not serve: ask a hub, and show its answer.

`cli.py` holds the words of the command line and nothing else; the bodies stand here. `hub` speaks
to the admin API of a running hub (no command touches the database behind its back), `show` prints
for people or, with --json, for programs, `ending` turns failures into messages and exit codes:
1 when the hub or a partner refused or cannot be reached, 2 when the call itself was wrong.
"""
