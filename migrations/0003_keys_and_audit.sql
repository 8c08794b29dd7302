-- API keys of operators and cars, and the trail of what was changed.

create table api_key (
    id text primary key,
    number bigint generated always as identity,
    name text not null,
    scopes text[] not null,
    digest bytea not null unique check (length(digest) = 32),
    created_at timestamptz not null default now(),
    expires_at timestamptz
);

create table audit (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    actor text not null,
    address text not null,
    action text not null,
    target text not null,
    details jsonb not null
);

create function audit_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the audit trail is append-only';
end
$$;
create trigger audit_is_append_only before update or delete or truncate on audit
    for each statement execute function audit_is_append_only();
