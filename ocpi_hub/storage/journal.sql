-- loose
-- Journal rows may be lost in a crash of the server: nobody waits for the disk.
set local synchronous_commit = off

-- custom
-- Filters that are not used must not cost the index of those that are.
set local plan_cache_mode = force_custom_plan

-- search
-- Newest first, older than one of them; null filters nothing.
select id, at, direction, platform, route, mode, method, url, request_id, correlation_id, sender,
       receiver, http, code, outcome, duration_ms, ''::bytea as request_body,
       ''::bytea as response_body, findings
from hop
where ($1::bigint is null or id < $1)
  and ($3::text is null or correlation_id = $3)
  and ($4::text is null or request_id = $4)
  and ($5::text is null or route = $5)
  and ($6::text is null or mode = $6)
  and ($7::text is null or direction = $7)
  and ($8::text is null or platform = $8)
  and ($9::text is null or sender = $9)
  and ($10::text is null or receiver = $10)
  and ($11::int is null or http = $11)
  and ($12::int is null or code = $12)
  and ($13::text is null or outcome = $13)
  and ($14::timestamptz is null or at >= $14)
  and ($15::timestamptz is null or at < $15)
order by id desc limit $2

-- one
-- One hop with its bodies.
select id, at, direction, platform, route, mode, method, url, request_id, correlation_id, sender,
       receiver, http, code, outcome, duration_ms, request_body, response_body, findings
from hop where id = $1

-- expire
-- Some of the rows that are older than they are kept; the answer says how many.
with counted as (delete from finding where last_at < now() - make_interval(days => $1))
delete from hop where id in (
    select id from hop where at < now() - make_interval(days => $1) order by id limit $2
)
