-- locations
-- Own rows of Locations by their keys.
select g.n, l.pk, l.frame, l.last_updated, l.publish, l.x, l.seq
from unnest($1::evse_key[]) with ordinality as g (country, party, id, uid, n)
join location l on l.id = g.id and l.country = g.country and l.party = g.party

-- evses
-- All EVSEs of Locations.
select location, uid, spelling, ord, listed, own, body, last_updated, x, seq
from evse
where location = any ($1::bigint[])
order by location, ord

-- parts
-- Single EVSEs; a row without uid says that the Location is known and the EVSE is not.
select g.n, l.pk, l.x as location_x, l.seq as location_seq,
       octet_length(l.frame) + coalesce((select sum(octet_length(o.body)) from evse o where o.location = l.pk), 0) as size,
       e.uid, e.spelling, e.ord, e.listed, e.own, e.body, e.last_updated, e.x, e.seq
from unnest($1::evse_key[]) with ordinality as g (country, party, id, uid, n)
join location l on l.id = g.id and l.country = g.country and l.party = g.party
left join evse e on e.location = l.pk and e.uid = g.uid

-- lock
-- Who adds to a Location waits for who does so already.
select from location where pk = any ($1::bigint[]) order by pk for no key update

-- measured
-- Where Locations stand, and their bytes with all EVSEs.
select l.pk, l.x, l.seq,
       octet_length(l.frame) + coalesce((select sum(octet_length(o.body)) from evse o where o.location = l.pk), 0) as size
from location l
where l.pk = any ($1::bigint[])

-- insert_locations
-- Nothing for one that another process made meanwhile.
with written as (
    insert into location (
        country, party, id, country_code, party_id, location_id, frame, last_updated, publish,
        method, path, message, origin, correlation_id, x, seq, prev_x, prev_seq
    )
    select
        g.country, g.party, g.id, g.country_code, g.party_id, g.location_id, g.frame,
        g.last_updated, g.publish, g.method, g.path, g.message, g.origin, g.correlation_id,
        pg_current_xact_id()::text::bigint, nextval('line_seq'),
        case when g.times > 1 then pg_current_xact_id()::text::bigint else 0 end,
        case when g.times > 1 then 9223372036854775807 else 0 end
    from unnest($1::new_location[]) with ordinality as g
    order by g.ordinality
    on conflict do nothing
    returning country, party, id, pk
), woken as (select pg_notify('line', ''))
select w.country, w.party, w.id, w.pk from written w, woken

-- update_locations
-- Only those that nobody changed since they were loaded.
with given as (
    select g.*, nextval('line_seq') as place
    from unnest($1::changed_location[]) as g
), written as (
    update location l
    set frame = g.frame, last_updated = g.last_updated, publish = g.publish, method = g.method,
        path = g.path, message = g.message, origin = g.origin, correlation_id = g.correlation_id,
        x = pg_current_xact_id()::text::bigint, seq = g.place,
        prev_x = case when g.times > 1 then pg_current_xact_id()::text::bigint else l.x end,
        prev_seq = case when g.times > 1 then 9223372036854775807 else l.seq end,
        turn_x = case when g.publish = l.publish then l.turn_x else pg_current_xact_id()::text::bigint end,
        turn_seq = case when g.publish = l.publish then l.turn_seq else g.place end
    from given g
    where l.pk = g.pk and l.x = g.x and l.seq = g.seq
    returning 1
)
select count(*), pg_notify('line', '') from written

-- insert_evses
-- One without a place in the list goes behind all others: its number is larger than theirs.
with given as (
    select g.*, nextval('line_seq') as seq
    from unnest($1::new_evse[]) as g
), written as (
    insert into evse (
        location, uid, spelling, ord, listed, own, body, last_updated, method, path, message,
        origin, correlation_id, x, seq, prev_x, prev_seq
    )
    select
        g.location, g.uid, g.spelling, coalesce(g.ord, g.seq), g.listed, g.own, g.body,
        g.last_updated, g.method, g.path, g.message, g.origin, g.correlation_id,
        pg_current_xact_id()::text::bigint, g.seq,
        case when g.times > 1 then pg_current_xact_id()::text::bigint else 0 end,
        case when g.times > 1 then 9223372036854775807 else 0 end
    from given g
    on conflict do nothing
    returning 1
)
select count(*), pg_notify('line', '') from written

-- update_evses
-- Only those that nobody changed since they were loaded. A Location's PUT is told before its EVSEs' pushes.
with given as (
    select g.*, nextval('line_seq') as place
    from unnest($1::changed_evse[]) as g
), written as (
    update evse e
    set spelling = g.spelling, ord = coalesce(g.ord, g.place), listed = g.listed, own = g.own,
        body = g.body, last_updated = g.last_updated, method = g.method, path = g.path,
        message = g.message, origin = g.origin, correlation_id = g.correlation_id,
        x = pg_current_xact_id()::text::bigint, seq = g.place,
        prev_x = case when g.times > 1 then pg_current_xact_id()::text::bigint when e.own then e.x else 0 end,
        prev_seq = case when g.times > 1 then 9223372036854775807 when e.own then e.seq else 0 end
    from given g
    where e.location = g.location and e.uid = g.uid and e.x = g.x and e.seq = g.seq
    and e.ord = g.was_ord and e.listed = g.was_listed
    returning 1
)
select count(*), pg_notify('line', '') from written

-- relist_evses
-- Where EVSEs stand in their Location's list; that is a change of the Location, not of the EVSE.
with written as (
    update evse e
    set ord = g.ord, listed = g.listed
    from unnest($1::relisted_evse[]) as g
    where e.location = g.location and e.uid = g.uid and e.x = g.x and e.seq = g.seq
    returning 1
)
select count(*) from written

-- one_location
-- A Location with its listed EVSEs in order; moved is the younger stamp of a child, if there is one.
select
    l.frame,
    (select string_agg(e.body, '\x01'::bytea order by e.ord) from evse e where e.location = l.pk and e.listed) as evses,
    (select max(e.last_updated) from evse e where e.location = l.pk and e.own and e.last_updated > l.last_updated) as moved
from location l
where l.id = $3 and l.country = $1 and l.party = $2

-- one_evse
-- An EVSE, whether its Location lists it or not.
select e.body
from location l
join evse e on e.location = l.pk
where l.id = $3 and l.country = $1 and l.party = $2 and e.uid = $4

-- owners
-- Who has a Location with this id, and in it an EVSE with this uid if one is named.
select country_code, party_id from location l
where id = $1 and ($2 = '' or exists (select from evse e where e.location = l.pk and e.uid = $2))
order by pk
