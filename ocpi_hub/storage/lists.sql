-- page
-- A page behind the born number $5, in order of creation; one row without body if it is empty.
with members as (
    select born, body from object
    where module = $1 and body is not null and born > $5 and country || party <> all ($2::text[])
    order by born
    offset $3 limit $4
), whole as (
    select
        born, body,
        sum(octet_length(body)) over (order by born rows between unbounded preceding and 1 preceding) as before
    from members
)
select w.born, w.body, newest.x, newest.seq
from (select 1) as always
left join (select x, seq from object order by x desc, seq desc limit 1) as newest on true
left join whole w on coalesce(w.before, 0) < $6
order by w.born

-- total
-- How many objects of a module are shown.
select count(*) from object
where module = $1 and body is not null and country || party <> all ($2::text[])

-- window_page
-- As page, of objects whose last push lies in the window.
with members as (
    select born, body from object
    where module = $1 and body is not null and country || party <> all ($2::text[])
        and last_updated >= $5 and last_updated < $6
    order by born
    offset $3 limit $4
), whole as (
    select
        born, body,
        sum(octet_length(body)) over (order by born rows between unbounded preceding and 1 preceding) as before
    from members
)
select w.born, w.body, newest.x, newest.seq
from (select 1) as always
left join (select x, seq from object order by x desc, seq desc limit 1) as newest on true
left join whole w on coalesce(w.before, 0) < $7
order by w.born

-- window_total
-- How many objects of a module are shown whose last push lies in the window.
select count(*) from object
where module = $1 and body is not null and country || party <> all ($2::text[])
    and last_updated >= $3 and last_updated < $4
