-- states
-- How far the lists of these platforms were read.
select platform, module, synced_at, full_at, owed, failures, next_at, begun_at, last
from pull where platform = any($1::text[])

-- admit
-- A list that was never read; one that is known stays as it is.
insert into pull (platform, module, next_at) values ($1, $2, $3)
on conflict do nothing

-- owe
-- These lists are to be read now; who asked for everything gets everything.
insert into pull (platform, module, owed, asked_at, next_at)
select $1, module, $3, $4, $4 from unnest($2::text[]) as module
on conflict (platform, module) do update set
    owed = case when pull.owed = 'all' then 'all' else excluded.owed end,
    asked_at = excluded.asked_at, next_at = excluded.next_at, failures = 0

-- begun
-- A pull runs.
update pull set begun_at = $3 where platform = $1 and module = $2

-- ended
-- What a pull came to; what was asked for while it ran is still owed.
update pull set
    synced_at = $4, full_at = $5, failures = $7, begun_at = null, last = $9,
    owed = case when asked_at > $3 then owed else $6 end,
    next_at = case when asked_at > $3 then asked_at else $8 end
where platform = $1 and module = $2

-- held_locations
-- The Locations of these owners, and where they, or one of their EVSEs, changed last.
select l.country, l.party, l.id, l.country_code, l.party_id, l.location_id, greatest(
    array[l.x, l.seq], (select max(array[e.x, e.seq]) from evse e where e.location = l.pk)
) as place
from unnest($1::text[], $2::text[]) as owner (country, party)
join location l on l.country = owner.country and l.party = owner.party

-- held_objects
-- The Tariffs or Tokens of these owners, and where they changed last.
select
    o.module, o.country, o.party, o.id, o.part, o.country_code, o.party_id, o.object_id, o.spelling,
    array[o.x, o.seq] as place
from unnest($1::text[], $2::text[]) as owner (country, party)
join object o on o.country = owner.country and o.party = owner.party
where o.module = $3 and o.body is not null
