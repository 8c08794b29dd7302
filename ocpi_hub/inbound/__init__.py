"""The partners' door: `/ocpi`.

One generic endpoint serves every row of the tables. The order of its steps is a promise: limits,
authentication, size and time of the body, JSON, OCPI. Every answer is an envelope with the ids of
its request, also those to faulty, slow and unknown callers. Nouns: the `Table` finds the row,
the `Gate` tells who calls, an `Exchange` is one request on its way, a `Reply` its answer;
`configuration` answers what ends at the hub, `Relay` hands on what is for somebody else, `Own`
takes and shows what the hub keeps, `Results` sees to what is answered later, `Opening` finds the
receiver of a request that names none, `Review` looks at relayed objects behind their answer.

It refuses to guess: whom a message is for is decided in `routing`, and bytes pass untouched.
"""
