-- loose
-- What is lost in a crash has to be addressed: nobody waits for the disk.
set local synchronous_commit = off

-- learn
-- In the order of the keys, so that two processes do not wait for each other in a circle.
insert into memory (
    kind, id, country, party, apart, owner_country, owner_party, partner_country, partner_party
)
select * from unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::text[]
) as g (kind, id, country, party, apart)
order by 1, 2, 3, 4, 5
on conflict (kind, id, country, party, apart) do update
set owner_country = excluded.owner_country, owner_party = excluded.owner_party,
    partner_country = excluded.partner_country, partner_party = excluded.partner_party,
    seen_at = now()

-- recall
-- All that have this id.
select owner_country, owner_party, partner_country, partner_party
from memory where kind = $1 and id = $2 order by country, party, apart

-- forget
-- Some of those that nobody spoke of for long.
delete from memory where ctid = any (array(
    select ctid from memory where seen_at < now() - make_interval(days => $1)
    order by seen_at limit $2
))

-- shrink
-- Some of the oldest, when there are more than there may be; the planner's estimate is good enough.
delete from memory where ctid = any (array(
    select ctid from memory
    where (select reltuples from pg_class where oid = 'memory'::regclass) > $1::bigint
    order by seen_at desc offset $1::bigint limit $2
))
