-- Who is connected: platforms, the parties they host, their endpoints and tokens.

-- The number line: every visible change of an object takes the next number.
create sequence line_seq as bigint;
