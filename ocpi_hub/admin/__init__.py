"""Admin: the operators' door, `/admin/v1`.

It promises that every request is answered by exactly one row of a table (`table.ROWS`): the row
names the method, the path, the scope that a key needs, the model of what is asked, the handler,
and for writes the action that goes into the audit log. Routes, authorisation, audit and the check
of openapi/admin.yaml are made from these rows.

The nouns: `Door` (what the handlers act through), `Row` (one kind of request), `Ask` (one request
that passed authorisation and its model), `Reply` (what a handler gives back), `Problem` (any other
answer, as application/problem+json that names each wrong field), `Access` (Bearer keys, scopes,
failed keys per address).

The way of a request: key -> scope -> size, type and JSON of the body -> model -> handler -> audit
-> answer. A handler therefore sees only what is authorised and well-formed, and a write that
succeeded is in the audit log before it is answered.

It refuses to show a token a second time, to call a partner itself (the registrar does), and to
know where things are kept: it meets storage and delivery through the Protocols in `modules/` and
through `PartnerHealth`.
"""

from ocpi_hub.admin.access import Access
from ocpi_hub.admin.application import application, guarded
from ocpi_hub.admin.door import Door, PartnerHealth
from ocpi_hub.admin.table import ROWS

__all__ = [
    "ROWS",
    "Access",
    "Door",
    "PartnerHealth",
    "application",
    "guarded",
]
