"""Delivery: everything that leaves the hub.

Three promises. A *relayed* call (somebody waits) is made at most once and ends within its deadline
in one value that says how far it got. A *spread* change (the hub already said 1000) is attempted
for every connected receiver, in order per object, even across a crash; a receiver that is not
connected gets nothing, now or later, unless its operator chose catch-up, and then it gets the
latest state and not the backlog. A *probe* tells who lives.

The nouns: the `guard` says which addresses may be called, the `breaker` when a partner is left
alone, `attempt` what an outcome means and what goes out; these three are pure. The `transport`
moves one request, the `client` is the only user of it and adds token, lane, breaker and journal.
`spread` follows the number line, with one `courier` for each receiver; `alive` probes the silent.

What it refuses: redirects, proxies, cookies, answers larger than asked for, a second try of
anything that somebody waits for, a queue of old messages, and a partner's token on a foreign
origin.
"""
