-- Rows as a batch of pushes brings them: an array of these is one parameter, which costs the hub a
-- third of an array for each column.

create type evse_key as (country text, party text, id text, uid text);

create type new_location as (
    country text, party text, id text, country_code text, party_id text, location_id text,
    frame bytea, last_updated text, publish boolean,
    method text, path text, message bytea, origin text, correlation_id text, times int
);

create type changed_location as (
    pk bigint, x bigint, seq bigint,
    frame bytea, last_updated text, publish boolean,
    method text, path text, message bytea, origin text, correlation_id text, times int
);

create type new_evse as (
    location bigint, uid text,
    spelling text, ord bigint, listed boolean, own boolean, body bytea, last_updated text,
    method text, path text, message bytea, origin text, correlation_id text, times int
);

create type changed_evse as (
    location bigint, uid text, x bigint, seq bigint, was_ord bigint, was_listed boolean,
    spelling text, ord bigint, listed boolean, own boolean, body bytea, last_updated text,
    method text, path text, message bytea, origin text, correlation_id text, times int
);

create type relisted_evse as (
    location bigint, uid text, x bigint, seq bigint, ord bigint, listed boolean
);
