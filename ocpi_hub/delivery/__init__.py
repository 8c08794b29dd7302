"""Delivery: everything that leaves the hub.

Three promises. A *relayed* call (somebody waits) is made at most once and ends within its deadline
in one value that says how far it got. A *spread* change (the hub already said 1000) is attempted
for every connected receiver, in order per object, even across a crash; a receiver that is not
connected gets nothing, now or later, unless its operator chose catch-up, and then it gets the
latest state and not the backlog. A *probe* tells who lives.

The nouns: the `guard` says which addresses may be called, the `breaker` when a partner is left
alone, `attempt` what goes out for a change and what its outcome means, `answer` what of the bytes
that come back is an answer; these four are pure. The `transport` moves one request over a
`channel`, which is `kept` for the next one; the `client` is its only user and adds token, lane,
breaker and journal, with what it knows of each `partner`. `spread` follows the number line, with
one `courier` for each receiver; `rotation` renews tokens that are a month old, `renewal` bridges
the change; `alive` probes the silent.

`pull` reads the lists of partners that push nothing, each when it is due: a `reading` is one list
from its first page to what became of it, the `crawl` walks its pages as the Links lead, and the
`intake` puts what they bring into the hub's copy as if its owners had pushed it.

What it refuses: redirects, proxies, cookies, answers larger than asked for, a second try of
anything that somebody waits for, a queue of old messages, and a partner's token on a foreign
origin.
"""
