-- The hub's copy of Locations: a row for the frame of each, a row for each of its EVSEs.
--
-- (x, seq) is the place of the last change on the number line, (prev_x, prev_seq) the place before.
-- Keys are folded to upper case; *_code, *_id and spelling keep the received case.
-- last_updated is the received text in its sortable spelling ("...09Z" is kept as "...09 Z").
-- message is null when the last push equals the state.

create table location (
    pk bigint generated always as identity primary key, -- also the order of creation
    country text collate "C" not null,
    party text collate "C" not null,
    id text collate "C" not null,
    country_code text not null,
    party_id text not null,
    location_id text not null,
    created_at timestamptz not null default now(),
    frame bytea not null,
    last_updated text collate "C" not null,
    publish boolean not null,
    x bigint not null,
    seq bigint not null,
    prev_x bigint not null default 0,
    prev_seq bigint not null default 0,
    method text not null,
    path text not null,
    message bytea,
    origin text not null,
    correlation_id text not null,
    unique (id, country, party)
);

create index location_line on location (x, seq);
create index location_last_updated on location (last_updated);

-- listed: false for an EVSE that a later PUT of its Location left out (it stays addressable).
-- own: true when the EVSE was last written by a push of its own; otherwise it is no change of its own.
create table evse (
    location bigint not null references location,
    uid text collate "C" not null,
    spelling text not null,
    ord bigint not null,
    listed boolean not null,
    own boolean not null,
    body bytea not null,
    last_updated text collate "C" not null,
    x bigint not null,
    seq bigint not null,
    prev_x bigint not null default 0,
    prev_seq bigint not null default 0,
    method text not null,
    path text not null,
    message bytea,
    origin text not null,
    correlation_id text not null,
    primary key (location, uid)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

create index evse_line on evse (x, seq) where own;
create index evse_last_updated on evse (last_updated) where own;

-- Compressing rows of this size costs more than it saves when pages are read.
alter table location alter column frame set storage external, alter column message set storage external;
alter table evse alter column body set storage external, alter column message set storage external;

-- How often the line began anew, after a restore. A place that others keep means nothing without its
-- epoch. cluster: the system identifier and timeline in which the line was last opened.
create table line_epoch (
    only_row boolean primary key default true check (only_row),
    epoch bigint not null default 1,
    cluster text
);
insert into line_epoch default values;
