-- page
-- A page behind $5, in order of creation, cut behind $6 bytes, and where the line stood; one row without pk if it is empty.
with members as (
    select pk, country || party || id as name, frame, last_updated from location
    where pk > $5 and (publish or not $1) and country || party <> all ($2::text[])
    order by pk
    offset $3 limit $4
), whole as (
    select
        l.pk, l.name, l.frame, e.evses, e.listed, e.moved,
        sum(octet_length(l.frame) + coalesce(octet_length(e.evses), 0))
            over (order by l.pk rows between unbounded preceding and 1 preceding) as before
    from members l
    left join lateral (
        select
            string_agg(e.body, '\x01'::bytea order by e.ord) filter (where e.listed) as evses,
            count(*) filter (where e.listed) as listed,
            max(e.last_updated) filter (where e.own and e.last_updated > l.last_updated) as moved
        from evse e where e.location = l.pk
    ) as e on true
)
select w.pk, w.name, w.frame, w.evses, w.listed, w.moved, newest.x, newest.seq
from (select 1) as always
left join (
    select * from (
        (select x, seq from location order by x desc, seq desc limit 1)
        union all
        (select x, seq from evse where own order by x desc, seq desc limit 1)
    ) as places order by x desc, seq desc limit 1
) as newest on true
left join whole w on coalesce(w.before, 0) < $6
order by w.pk

-- total
-- How many Locations a viewer may see.
select count(*) from location where (publish or not $1) and country || party <> all ($2::text[])

-- window_page
-- As page, of Locations whose own or a child's last push lies in the window.
with touched as (
    select pk from location where last_updated >= $5
    union
    select location from evse where own and last_updated >= $5
), members as (
    select l.pk
    from touched join location l using (pk)
    where (l.publish or not $1) and l.country || l.party <> all ($2::text[])
    and greatest(l.last_updated, (select max(e.last_updated) from evse e where e.location = l.pk and e.own)) < $6
    order by l.pk
    offset $3 limit $4
), whole as (
    select
        l.pk, l.country || l.party || l.id as name, l.frame, e.evses, e.listed, e.moved,
        sum(octet_length(l.frame) + coalesce(octet_length(e.evses), 0))
            over (order by l.pk rows between unbounded preceding and 1 preceding) as before
    from members join location l using (pk)
    left join lateral (
        select
            string_agg(e.body, '\x01'::bytea order by e.ord) filter (where e.listed) as evses,
            count(*) filter (where e.listed) as listed,
            max(e.last_updated) filter (where e.own and e.last_updated > l.last_updated) as moved
        from evse e where e.location = l.pk
    ) as e on true
)
select w.pk, w.name, w.frame, w.evses, w.listed, w.moved, newest.x, newest.seq
from (select 1) as always
left join (
    select * from (
        (select x, seq from location order by x desc, seq desc limit 1)
        union all
        (select x, seq from evse where own order by x desc, seq desc limit 1)
    ) as places order by x desc, seq desc limit 1
) as newest on true
left join whole w on coalesce(w.before, 0) < $7
order by w.pk

-- window_total
-- How many Locations a viewer may see whose own or a child's last push lies in the window.
with touched as (
    select pk from location where last_updated >= $3
    union
    select location from evse where own and last_updated >= $3
)
select count(*)
from touched join location l using (pk)
where (l.publish or not $1) and l.country || l.party <> all ($2::text[])
and greatest(l.last_updated, (select max(e.last_updated) from evse e where e.location = l.pk and e.own)) < $4
