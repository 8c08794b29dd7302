-- keep
-- Many at once; they share a commit.
insert into callback (
    uid, response_url, module, command, requester_country, requester_party, requester_platform,
    target_country, target_party, target_platform, correlation_id, expires_at
)
select * from unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::text[], $10::text[], $11::text[], $12::timestamptz[]
)
on conflict do nothing

-- find
-- One by its id.
select uid, response_url, module, command, requester_country, requester_party, requester_platform,
       target_country, target_party, target_platform, correlation_id, expires_at
from callback where uid = $1

-- prolong
-- Never shorter than it was.
update callback set expires_at = greatest(expires_at, $2) where uid = $1

-- expire
-- Some of those that ended a day ago; until then their end can be told.
delete from callback where uid in (
    select uid from callback where expires_at < now() - interval '1 day' order by expires_at limit $1
)
