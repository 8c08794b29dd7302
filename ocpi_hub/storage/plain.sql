-- load
-- Objects by their keys, deleted ones too.
select g.n, o.body, o.last_updated, o.x, o.seq
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) with ordinality
    as g (module, country, party, id, part, n)
join object o using (module, id, part, country, party)

-- insert
-- Nothing for one that another process made meanwhile.
with given as (
    select g.*, nextval('line_seq') as seq
    from unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
        $8::text[], $9::text[], $10::bytea[], $11::text[], $12::text[], $13::text[], $14::bytea[],
        $15::text[], $16::text[], $17::int[]
    ) as g (
        module, country, party, id, part, country_code, party_id, object_id, spelling, body,
        last_updated, method, path, message, origin, correlation_id, times
    )
), written as (
    insert into object (
        module, country, party, id, part, country_code, party_id, object_id, spelling, born, body,
        last_updated, x, seq, prev_x, prev_seq, method, path, message, origin, correlation_id
    )
    select
        g.module, g.country, g.party, g.id, g.part, g.country_code, g.party_id, g.object_id,
        g.spelling, g.seq, g.body, g.last_updated, pg_current_xact_id()::text::bigint, g.seq,
        case when g.times > 1 then pg_current_xact_id()::text::bigint else 0 end,
        case when g.times > 1 then 9223372036854775807 else 0 end,
        g.method, g.path, g.message, g.origin, g.correlation_id
    from given g
    on conflict do nothing
    returning 1
)
select count(*), pg_notify('line', '') from written

-- update
-- Only those that nobody changed since they were loaded. What comes back goes to the end of the lists.
with given as (
    select g.*, nextval('line_seq') as place
    from unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],
        $8::bytea[], $9::text[], $10::text[], $11::text[], $12::bytea[], $13::text[], $14::text[],
        $15::int[]
    ) as g (
        module, country, party, id, part, x, seq, body, last_updated, method, path, message,
        origin, correlation_id, times
    )
), written as (
    update object o
    set body = g.body, last_updated = g.last_updated, method = g.method, path = g.path,
        message = g.message, origin = g.origin, correlation_id = g.correlation_id,
        born = case when o.body is null then g.place else o.born end,
        x = pg_current_xact_id()::text::bigint, seq = g.place,
        prev_x = case when g.times > 1 then pg_current_xact_id()::text::bigint else o.x end,
        prev_seq = case when g.times > 1 then 9223372036854775807 else o.seq end
    from given g
    where o.module = g.module and o.id = g.id and o.part = g.part
        and o.country = g.country and o.party = g.party and o.x = g.x and o.seq = g.seq
    returning 1
)
select count(*), pg_notify('line', '') from written

-- one
-- An object that was not deleted.
select body from object
where module = $1 and country = $2 and party = $3 and id = $4 and part = $5

-- owners
-- Who has an object with this id.
select country_code, party_id from object
where module = $1 and id = $2 and part = $3 and body is not null
order by born
