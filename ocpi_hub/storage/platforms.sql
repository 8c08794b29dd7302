-- platforms
-- Every platform, in order of creation.
select id, name, status, registered, suspended, version, versions_url, outgoing_token, quirks,
       created_at, last_seen
from platform order by number

-- roles
-- Every hosted role, in order of creation.
select platform, country_code, party_id, role, name, agreed, business_details, status, last_updated,
       standing_since
from hosted_role order by number

-- endpoints
-- Every endpoint, in the order of its version details.
select platform, module, role, url from endpoint order by platform, position

-- tokens
-- Digests of all tokens that partners may show.
select digest, platform, kind from token

-- agreed_number
-- Grows with every change of agreements.
select number from version where subject = 'agreements'

-- in_force
-- The agreements in force.
select first_country, first_party, second_country, second_party, modules
from agreement where in_force

-- moved
-- When pairs of parties last came to have an agreement, or lost their last one.
select first_country, first_party, second_country, second_party, changed_at from agreed_pair

-- now
-- The database's clock.
select clock_timestamp()

-- held
-- One platform, before it is changed.
select id, suspended from platform where id = $1

-- create
-- A new platform.
insert into platform (id, name, quirks) values ($1, $2, $3)

-- change
-- What the operator set anew; no name and no quirks leave as it is.
update platform set name = coalesce($2, name), quirks = quirks || $3 where id = $1

-- agree
-- A party for this platform: new, known already, or given up by another platform; else no row.
insert into hosted_role as held (platform, country_code, party_id, role, name, business_details)
values ($1, $2, $3, $4, $5, $6)
on conflict (upper(country_code), upper(party_id), role) do update set
    platform = excluded.platform,
    agreed = true,
    name = excluded.name,
    announced = held.announced and held.platform = excluded.platform,
    business_details = case
        when held.announced and held.platform = excluded.platform then held.business_details
        else excluded.business_details
    end
where held.platform = excluded.platform or not held.agreed
returning 1

-- disagree
-- The parties of this platform that are not among those named: nobody may host them now.
update hosted_role set agreed = false, announced = false
where platform = $1 and agreed
  and (upper(country_code), upper(party_id), role) not in (select * from unnest($2::text[], $3::text[], $4::text[]))

-- announce
-- A party from the credentials object, if the operator agreed to it here; else no row. It keeps its
-- agreed spelling: to partners that mind the case, de-vwk would be another one than the DE-VWK they know.
update hosted_role set business_details = $5, announced = true, known = true
where platform = $1 and upper(country_code) = upper($2) and upper(party_id) = upper($3)
  and role = $4 and agreed
returning 1

-- drop
-- The parties of this platform that its credentials object named no more.
update hosted_role set announced = false
where platform = $1 and announced
  and (upper(country_code), upper(party_id), role) not in (select * from unnest($2::text[], $3::text[], $4::text[]))

-- settle
-- Connection states of a platform's parties, as they follow from its own and their flags (HCI-006).
update hosted_role set status = settled.status
from (
    select held.number, case
        when not held.agreed then 'SUSPENDED'
        when held.announced then platform.status
        when held.known or platform.status = 'SUSPENDED' then 'SUSPENDED'
        else 'PLANNED'
    end as status
    from hosted_role held join platform on platform.id = held.platform
    where platform.id = $1
) settled
where hosted_role.number = settled.number and hosted_role.status <> settled.status

-- put_token
-- A token of one kind; the older one of that kind dies.
insert into token (digest, platform, kind) values ($1, $2, $3)
on conflict (platform, kind) do update set digest = excluded.digest, created_at = now()

-- withdraw
-- The offer is void.
delete from token where platform = $1 and kind = 'OFFERED'

-- spendable
-- Whether a token still opens this platform's exchange.
select 1 from token where digest = $1 and platform = $2 and kind <> 'OFFERED'

-- forget_tokens
-- Nothing that the partner could show is valid any more.
delete from token where platform = $1

-- forget_endpoints
-- The endpoints of earlier version details.
delete from endpoint where platform = $1

-- put_endpoint
-- One entry of the version details.
insert into endpoint (platform, position, module, role, url) values ($1, $2, $3, $4, $5)

-- register
-- A finished exchange.
update platform set registered = true, status = 'CONNECTED', version = $2, versions_url = $3,
    outgoing_token = $4, last_seen = clock_timestamp()
where id = $1

-- receive
-- A platform that just registered gets what changes from now on and fetches the rest by GET, unless
-- the operator has it sent all there is (the quirk catch_up).
insert into receiver (platform, x, seq)
select platform.id, coming.x, coming.seq
from platform, lateral (
    select 0, 0 where quirks @> '{"catch_up": true}'
    union all
    select x, seq from line_head() where not quirks @> '{"catch_up": true}'
) as coming (x, seq)
where platform.id = $1
on conflict (platform) do nothing

-- forget_receiver
-- Nothing more is pushed to it.
delete from receiver where platform = $1

-- forget_pulls
-- Its lists are read no more; after another registration in full.
delete from pull where platform = $1

-- end
-- The connection is over.
update platform set registered = false, status = 'SUSPENDED', version = null, versions_url = null,
    outgoing_token = null
where id = $1

-- set_status
-- The connection was lost or found again; no row when that is known, or not to be told.
update platform set status = $2
where id = $1 and registered and not suspended and status <> $2
returning 1

-- suspend
-- The operator stops a platform.
update platform set suspended = true, status = 'SUSPENDED' where id = $1

-- resume
-- The operator lets a platform go on.
update platform set suspended = false,
    status = case when registered then 'CONNECTED' else 'PLANNED' end
where id = $1

-- note_seen
-- Signs of life, as seconds ago.
with locked as (
    select id from platform where id = any($1::text[]) order by id for no key update
)
update platform set last_seen = greatest(last_seen, clock_timestamp() - make_interval(secs => ago))
from locked join unnest($1::text[], $2::float8[]) as noted (id, ago) using (id)
where platform.id = locked.id

-- last_seen
-- Signs of life that any process noted.
select id, last_seen from platform where last_seen is not null

-- report
-- What an operator sees beside the directory.
select created_at, last_seen,
    exists (select from token where token.platform = platform.id and token.kind = 'REGISTRATION') as has_token
from platform where id = $1

-- sealed
-- Outgoing tokens as they are kept.
select id, outgoing_token from platform where outgoing_token is not null

-- reseal
-- The same token under a newer key, unless it was replaced meanwhile.
update platform set outgoing_token = $2 where id = $1 and outgoing_token = $3
