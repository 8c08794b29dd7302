-- Who is connected: platforms, the parties that they host, their endpoints and tokens.

-- The number line: every visible change of an object takes the next number.
create sequence line_seq as bigint;

-- What is kept in memory by every process; the number grows with each change.
create table version (
    subject text primary key,
    number bigint not null default 1
);
insert into version (subject) values ('directory'), ('keys');

create table platform (
    id text primary key,
    number bigint generated always as identity,
    name text not null,
    status text not null default 'PLANNED'
        check (status in ('CONNECTED', 'OFFLINE', 'PLANNED', 'SUSPENDED')),
    registered boolean not null default false,
    suspended boolean not null default false, -- by the operator: tokens are kept but refused
    version text,
    versions_url text,
    outgoing_token bytea, -- sealed
    quirks jsonb not null default '{}',
    created_at timestamptz not null default now(),
    last_seen timestamptz,
    check (registered = (outgoing_token is not null))
);

create table endpoint (
    platform text not null references platform,
    position int not null,
    module text not null,
    role text not null check (role in ('SENDER', 'RECEIVER')),
    url text not null,
    primary key (platform, position)
);

create table token (
    digest bytea primary key check (length(digest) = 32),
    platform text not null references platform,
    kind text not null check (kind in ('REGISTRATION', 'OFFERED', 'CURRENT')),
    created_at timestamptz not null default now(),
    unique (platform, kind)
);

-- A party in one role: what hubclientinfo tells about it. Rows are never deleted.
create table hosted_role (
    platform text not null references platform,
    number bigint generated always as identity,
    country_code text not null,
    party_id text not null,
    role text not null,
    name text not null, -- the business name that the operator gave
    agreed boolean not null default true, -- the operator lets this platform host it
    announced boolean not null default false, -- it is in the credentials now in force
    known boolean not null default false, -- it was in some credentials before: never PLANNED again
    business_details bytea not null, -- a JSON object, as it was sent
    status text not null default 'PLANNED'
        check (status in ('CONNECTED', 'OFFLINE', 'PLANNED', 'SUSPENDED')),
    last_updated timestamptz not null,
    x bigint not null,
    seq bigint not null,
    prev_x bigint not null default 0,
    prev_seq bigint not null default 0
);
create unique index hosted_role_party on hosted_role (upper(country_code), upper(party_id), role);
create index hosted_role_platform on hosted_role (platform);
create index hosted_role_line on hosted_role (x, seq);

-- A change of what others see takes a place on the line and moves last_updated; nothing else does.
create function hosted_role_place() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' then
        if (new.country_code, new.party_id, new.role, new.status, new.business_details)
            is not distinct from
           (old.country_code, old.party_id, old.role, old.status, old.business_details)
        then
            return new;
        end if;
        if old.x <> pg_current_xact_id()::text::bigint then
            new.prev_x := old.x;
            new.prev_seq := old.seq;
        end if;
    end if;
    new.x := pg_current_xact_id()::text::bigint;
    new.seq := nextval('line_seq');
    new.last_updated := date_trunc('milliseconds', clock_timestamp());
    perform pg_notify('line', '');
    return new;
end
$$;
create trigger hosted_role_place before insert or update on hosted_role
    for each row execute function hosted_role_place();
