-- ages
-- Seconds since each platform got the token that it shows now, the oldest first.
select platform, extract(epoch from clock_timestamp() - created_at) as age_s
from token where kind = 'CURRENT' and platform = any($1)
order by created_at, platform
