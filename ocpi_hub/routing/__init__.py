"""Routing: who may get a message, and in what shape.

Pure. `directory` is the snapshot of who is connected; `decide` turns a request and a snapshot into
exactly one decision (forward, broadcast, get-all, own copy, refuse); `audience` says who gets a
broadcast; `rewrite` changes what has to change when a message crosses the hub: tokens, ids, party
headers, Link and Location. It never looks into a body and never guesses a receiver.
"""
