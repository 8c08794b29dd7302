-- Where results of commands and charging profiles go: stored before the request is forwarded.
create table callback (
    uid text primary key, -- the last segment of the hub's stand-in
    response_url text not null,
    module text not null,
    command text not null,
    requester_country text not null,
    requester_party text not null,
    requester_platform text not null,
    target_country text not null,
    target_party text not null,
    target_platform text not null,
    correlation_id text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
);
create index callback_expires on callback (expires_at);

-- Who has to do with what was relayed, for requests that name no receiver. No object is kept.
create table memory (
    kind text not null,
    id text not null, -- folded, as are country and party
    country text not null,
    party text not null,
    apart text not null, -- the partner, where several may have the same id at one owner
    owner_country text not null,
    owner_party text not null,
    partner_country text,
    partner_party text,
    seen_at timestamptz not null default now(),
    primary key (kind, id, country, party, apart)
);
create index memory_seen on memory (seen_at);
