"""The wire: what OCPI says, and nothing about this hub.

Pure. Bytes come in, values go out, and the other way round; no clock, no socket, no settings.
`finding` says which rules refuse and which only remark, `primitives` has the small words, `codec`
the only JSON, `status` codes and errors, `message` the envelope and headers, `token` the
Authorization header, `paging` windows and links, `spec` the row type of the tables and how a path
finds its row. A folder per version holds its table of modules and its models, one file per module;
`check` holds a value against a model. What the text calls the inner model of the hub is 2.2.1;
`dialect` turns its messages into those of 2.2 and back, and `splice` changes places in a body.
"""
