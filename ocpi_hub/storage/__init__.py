"""Storage: PostgreSQL, and nothing but PostgreSQL, from a laptop to a cluster.

It promises that what was answered is durable, that what must stay secret is kept as a digest or
sealed, and that every wait for the database ends. Its nouns: the embedded server (`embedded`, for
those who bring no database), the pool (`database`), the schema's steps (`migrate`), and one class
for each Protocol of `modules`: the register of platforms, receivers and their leases, API keys,
the audit trail, the journal, the stored objects and the number line. What must answer at once (who
is calling, what a key may do) is read from memory and followed by notification and by polling
(`following`).

Queries live in .sql files beside the Python that calls them; Python passes values, never text.
The room refuses to decide: it knows no OCPI rule beyond what keeps its rows true.
"""
