-- place
-- Where the ids of hops stand: all that are written from now on are not smaller.
select last_value from hop_id_seq

-- count
-- Add up what this transaction wrote; in one order, so that two processes never wait for each other.
insert into finding as f (platform, rule, hour, times, first_at, last_at, text, first_id, message)
select platform, rule, date_trunc('hour', at, 'UTC'), count(*), min(at), max(at),
    (array_agg(text order by id desc))[1], min(id), max(id)
from (
    select h.platform, h.id, h.at, left(split_part(found, ': ', 1), 40) as rule,
        min(left(substr(found, strpos(found, ': ') + 2 * (strpos(found, ': ') > 0)::int), 500)) as text
    from hop h, unnest(h.findings) as found
    where h.id >= $1 and h.xmin = pg_current_xact_id()::xid and h.platform is not null
    group by h.platform, h.id, h.at, 4
) as remark
group by 1, 2, 3
order by 1, 2, 3
on conflict (platform, rule, hour) do update set
    times = f.times + excluded.times,
    first_at = least(f.first_at, excluded.first_at),
    last_at = greatest(f.last_at, excluded.last_at),
    text = case when excluded.message > f.message then excluded.text else f.text end,
    first_id = least(f.first_id, excluded.first_id),
    message = greatest(f.message, excluded.message)

-- summary
-- By rule, within a time: hours that lie in it as they were counted, those at its edges hop by hop.
with hours as (
    select *, first_at >= $2 and last_at < $3 as inside from finding
    where platform = $1 and last_at >= $2 and first_at < $3
), edges as (
    select e.rule, h.id, h.at,
        min(left(substr(found, strpos(found, ': ') + 2 * (strpos(found, ': ') > 0)::int), 500)) as text
    from hours e
    join hop h on h.platform = $1 and h.id between e.first_id and e.message and h.findings <> '{}'
    cross join unnest(h.findings) as found
    where not e.inside and h.at >= $2 and h.at < $3
        and date_trunc('hour', h.at, 'UTC') = e.hour
        and left(split_part(found, ': ', 1), 40) = e.rule
    group by e.rule, h.id, h.at
)
select rule, sum(times)::bigint as count, min(first_at) as first_seen, max(last_at) as last_seen,
    (array_agg(text order by message desc))[1] as text, max(message) as message
from (
    select rule, times, first_at, last_at, text, message from hours where inside
    union all
    select rule, 1, at, at, text, id from edges
) as found
group by rule
order by rule
