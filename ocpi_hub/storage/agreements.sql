-- create
-- A new agreement.
insert into agreement
    (id, first_country, first_party, second_country, second_party, modules, valid_from, valid_to, settlement)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- one
-- An agreement by its id.
select * from agreement where id = $1

-- page
-- Agreements in order of creation, behind one of them; of one party, or of all.
select * from agreement
where number > coalesce((select number from agreement where id = $1), 0)
  and ($3::text is null or (upper(first_country), upper(first_party)) = ($3, $4)
       or (upper(second_country), upper(second_party)) = ($3, $4))
order by number limit $2

-- overlapping
-- Another agreement of this pair for one of these modules at some of this time.
select id from agreement
where id <> $1
  and (upper(first_country), upper(first_party), upper(second_country), upper(second_party)) = ($2, $3, $4, $5)
  and (modules is null or $6::text[] is null or modules && $6)
  and tstzrange(valid_from, valid_to) && tstzrange($7, $8)
limit 1

-- change
-- New terms.
update agreement set modules = $2, valid_from = $3, valid_to = $4, settlement = $5 where id = $1

-- delete
-- It ends for good.
delete from agreement where id = $1

-- due
-- Seconds until an agreement begins or ends.
select extract(epoch from min(case when in_force then valid_to else coalesce(valid_from, clock_timestamp()) end)
    - clock_timestamp())::float8
from agreement where in_force or valid_to is null or valid_to > clock_timestamp()

-- now
-- The moment of a change, as precise as partners are told.
select date_trunc('milliseconds', clock_timestamp())

-- settle
-- Begin and end what has its time.
update agreement set in_force = not in_force
where in_force <> (coalesce(valid_from <= clock_timestamp(), true) and coalesce(valid_to > clock_timestamp(), true))

-- changed
-- What is in force may be another from now on.
update version set number = number + 1 where subject = 'agreements'

-- pair
-- Pairs that came to have an agreement, or lost their last one; places on the line for their parties.
with now_agreed as (
    select distinct upper(first_country) as a, upper(first_party) as b, upper(second_country) as c, upper(second_party) as d
    from agreement where in_force
), lost as (
    update agreed_pair set in_force = false, changed_at = $1
    where in_force and (first_country, first_party, second_country, second_party) not in (select * from now_agreed)
    returning first_country, first_party, second_country, second_party
), found as (
    insert into agreed_pair as pair select a, b, c, d, true, $1 from now_agreed
    on conflict (first_country, first_party, second_country, second_party)
        do update set in_force = true, changed_at = $1 where not pair.in_force
    returning first_country, first_party, second_country, second_party
), moved as (
    select * from lost union all select * from found
)
update hosted_role set touched_at = $1
where (upper(country_code), upper(party_id)) in (
    select first_country, first_party from moved union select second_country, second_party from moved
)

-- mode
-- Whether agreements are asked for; a row when that is new.
update agreement_mode set required = $1 where required <> $1 returning required

-- tell_all
-- Everybody may see everybody else otherwise than before.
update hosted_role set last_updated = $1, standing_since = $1, touched_at = $1
