-- One row for each hop of a message, for operators and for certification.

create table hop (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    direction text not null,
    platform text,
    route text not null,
    mode text not null,
    method text not null,
    url text not null,
    request_id text not null,
    correlation_id text not null,
    sender text,
    receiver text,
    http int,
    code int,
    outcome text not null,
    duration_ms double precision not null,
    request_body bytea not null,
    response_body bytea not null,
    findings text[] not null
);
create index hop_correlation on hop (correlation_id);
create index hop_request on hop (request_id);
create index hop_platform on hop (platform, id);
create index hop_at on hop using brin (at);
