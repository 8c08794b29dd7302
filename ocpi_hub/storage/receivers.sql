-- turn
-- Processes claim one after the other, so that each counts the others rightly.
select pg_advisory_xact_lock($1)

-- beat
-- This process lives.
insert into process (id, seen_at) values ($1, clock_timestamp())
on conflict (id) do update set seen_at = excluded.seen_at

-- bury
-- Processes that are silent for longer than a lease.
delete from process where seen_at < clock_timestamp() - make_interval(secs => $1)

-- admit
-- Registered platforms that have no cursor yet start at the head.
insert into receiver (platform, x, seq)
select platform.id, head.x, head.seq from platform, line_head() as head
where platform.registered
on conflict (platform) do nothing

-- share
-- How many receivers a process may hold, all living ones sharing fairly.
select ceil((select count(*) from receiver)::float8 / (select count(*) from process))::bigint

-- renew
-- Hold on to this process's receivers, up to its share.
update receiver set until = clock_timestamp() + make_interval(secs => $3)
where platform in (
    select platform from receiver where process = $1 order by platform limit $2
)

-- let_go
-- What is above the share goes back, for others to take.
update receiver set process = null, until = null
where platform in (
    select platform from receiver where process = $1 order by platform offset $2
)

-- take
-- Free and expired receivers, up to this process's share.
update receiver set process = $1, until = clock_timestamp() + make_interval(secs => $3)
where platform in (
    select platform from receiver
    where process is null or (process <> $1 and until < clock_timestamp())
    order by platform
    limit greatest(0, $2 - (select count(*) from receiver where process = $1))
)

-- held
-- All that this process holds now.
select platform, x, seq from receiver where process = $1 order by platform

-- save
-- Cursors go forward, and only those of receivers that are still held here.
with moved as (
    select platform from receiver
    where process = $1 and until > clock_timestamp() and platform = any($2::text[])
    order by platform for no key update
)
update receiver set x = cursor.x, seq = cursor.seq
from moved join unnest($2::text[], $3::bigint[], $4::bigint[]) as cursor (platform, x, seq)
    using (platform)
where receiver.platform = moved.platform and (receiver.x, receiver.seq) < (cursor.x, cursor.seq)

-- head
-- Everything up to here is visible now.
select x, seq from line_head()

-- release
-- Everything of this process is free.
update receiver set process = null, until = null where process = $1

-- free
-- Nobody serves: the processes that did are gone.
with gone as (delete from process)
update receiver set process = null, until = null where process is not null

-- leave
-- The process ends.
delete from process where id = $1
