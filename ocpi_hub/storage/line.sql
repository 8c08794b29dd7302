-- changes
-- Latest states behind a place, oldest first; settled is false where an older writer still runs.
with oldest as materialized (
    select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as x
)
select line.*, line.x < oldest.x as settled
from oldest, (
    (
        select
            l.x, l.seq, l.prev_x, l.prev_seq, 'locations' as module,
            l.country, l.party, l.id, '' as part, l.country_code, l.party_id, l.location_id, null as spelling,
            l.method, l.path, l.message, l.frame, e.evses, e.moved, null::bytea as body,
            coalesce(e.moved, l.last_updated) as last_updated, l.publish, l.origin, l.correlation_id,
            l.turn_x, l.turn_seq, true as listed
        from location l
        left join lateral (
            select
                string_agg(e.body, '\x01'::bytea order by e.ord) filter (where e.listed) as evses,
                max(e.last_updated) filter (where e.own and e.last_updated > l.last_updated) as moved
            from evse e where e.location = l.pk
        ) as e on true
        where (l.x, l.seq) > ($1, $2)
        order by l.x, l.seq
        limit $3
    )
    union all
    (
        select
            e.x, e.seq, e.prev_x, e.prev_seq, 'locations',
            l.country, l.party, l.id, e.uid, l.country_code, l.party_id, l.location_id, e.spelling,
            e.method, e.path, e.message, null, null, null, e.body,
            e.last_updated, l.publish, e.origin, e.correlation_id, 0, 0, e.listed
        from (
            select * from evse where own and (x, seq) > ($1, $2) order by x, seq limit $3
        ) as e
        join location l on l.pk = e.location
    )
    union all
    (
        select
            o.x, o.seq, o.prev_x, o.prev_seq, o.module,
            o.country, o.party, o.id, o.part, o.country_code, o.party_id, o.object_id, o.spelling,
            o.method, o.path, o.message, null, null, null, o.body,
            o.last_updated, true, o.origin, o.correlation_id, 0, 0, true
        from object o
        where (o.x, o.seq) > ($1, $2)
        order by o.x, o.seq
        limit $3
    )
    union all
    (
        select
            h.x, h.seq, h.prev_x, h.prev_seq, 'hubclientinfo',
            upper(h.country_code), upper(h.party_id), '', h.role, h.country_code, h.party_id, h.role, h.status,
            'PUT', h.country_code || '/' || h.party_id, null, null, null, null, null,
            to_char(h.touched_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS" Z"'), true, h.platform, '', 0, 0, true
        from hosted_role h
        where (h.x, h.seq) > ($1, $2)
        order by h.x, h.seq
        limit $3
    )
) as line
order by line.x, line.seq
limit $3

-- head
-- The last place that nothing can come before any more.
select x, seq from (
    (select x, seq from location where x < (select pg_snapshot_xmin(pg_current_snapshot())::text::bigint) order by x desc, seq desc limit 1)
    union all
    (select x, seq from evse where own and x < (select pg_snapshot_xmin(pg_current_snapshot())::text::bigint) order by x desc, seq desc limit 1)
    union all
    (select x, seq from object where x < (select pg_snapshot_xmin(pg_current_snapshot())::text::bigint) order by x desc, seq desc limit 1)
    union all
    (select x, seq from hosted_role where x < (select pg_snapshot_xmin(pg_current_snapshot())::text::bigint) order by x desc, seq desc limit 1)
) as places
order by x desc, seq desc
limit 1

-- patience
-- All rows may have to be written; who starts meanwhile waits.
set local statement_timeout = 0;
set local lock_timeout = 0

-- turn
-- One process after the other, so that each sees what the one before it did.
select from line_epoch for update

-- ahead
-- Whether stored places come from another cluster: what is visible to a snapshot is older than its end.
select exists (
    select from (
        (select x from location order by x desc limit 1)
        union all (select x from evse where own order by x desc limit 1)
        union all (select x from object order by x desc limit 1)
        union all (select x from hosted_role order by x desc limit 1)
        union all (select x from receiver order by x desc limit 1)
    ) as newest
    where x >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint
)

-- lock
-- Nobody writes while the line is numbered anew; readers go on.
lock table location, evse, object, hosted_role, receiver in exclusive mode

-- renumber
-- All places in their order from (0, 1) on; who reads on from before gets latest states.
with places as (
    select x, seq from location union all select x, seq from evse
    union all select x, seq from object union all select x, seq from hosted_role
), numbered as materialized (
    select x, seq, row_number() over (order by x, seq) as n from places
), locations as (
    update location t
    set x = 0, seq = n, prev_x = 0, prev_seq = n, turn_x = 0,
        turn_seq = case when (t.turn_x, t.turn_seq) = (t.x, t.seq) then n else 0 end
    from numbered where t.x = numbered.x and t.seq = numbered.seq
), evses as (
    update evse t set x = 0, seq = n, prev_x = 0, prev_seq = n
    from numbered where t.x = numbered.x and t.seq = numbered.seq
), objects as (
    update object t set x = 0, seq = n, prev_x = 0, prev_seq = n
    from numbered where t.x = numbered.x and t.seq = numbered.seq
), roles as (
    update hosted_role t set x = 0, seq = n, prev_x = 0, prev_seq = n
    from numbered where t.x = numbered.x and t.seq = numbered.seq
), receivers as (
    update receiver r
    set x = 0, seq = (select count(*) from numbered where (numbered.x, numbered.seq) <= (r.x, r.seq))
)
update line_epoch set epoch = epoch + 1

-- epoch
-- The epoch; a new one in another cluster or on another timeline.
with here as (
    select system_identifier || '/' || timeline_id as cluster from pg_control_system(), pg_control_checkpoint()
), moved as (
    update line_epoch
    set epoch = epoch + case when line_epoch.cluster is null then 0 else 1 end, cluster = here.cluster
    from here where line_epoch.cluster is distinct from here.cluster
    returning epoch
)
select coalesce((select epoch from moved), (select epoch from line_epoch))
