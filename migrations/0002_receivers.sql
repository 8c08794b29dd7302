-- Who serves whom, and how far each receiver has come on the line.

create table process (
    id text primary key,
    seen_at timestamptz not null
);

create table receiver (
    platform text primary key references platform,
    x bigint not null,
    seq bigint not null,
    process text,
    until timestamptz,
    check ((process is null) = (until is null))
);

-- Everything up to this place is visible to everybody, and nothing will be added at or before it.
create function line_head() returns table (x bigint, seq bigint) language sql volatile as $$
    select pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1, 9223372036854775807
$$;
