-- Who may roam with whom, for hubs that ask for agreements; and what broke a rule, counted.

create table agreement (
    id text primary key,
    number bigint generated always as identity,
    first_country text not null,
    first_party text not null,
    second_country text not null, -- in the order of their folded codes
    second_party text not null,
    modules text[], -- null: all
    valid_from timestamptz, -- null: since ever; inclusive
    valid_to timestamptz, -- null: for good; exclusive
    settlement jsonb,
    in_force boolean not null default false, -- as it was when somebody last looked
    created_at timestamptz not null default clock_timestamp(),
    check (valid_from < valid_to)
);
create index agreement_pair on agreement
    (upper(first_country), upper(first_party), upper(second_country), upper(second_party));

-- Pairs that ever had an agreement in force. Codes are folded.
create table agreed_pair (
    first_country text not null,
    first_party text not null,
    second_country text not null,
    second_party text not null,
    in_force boolean not null,
    changed_at timestamptz not null,
    primary key (first_country, first_party, second_country, second_party)
);

-- Whether agreements were asked for when the hub last started.
create table agreement_mode (
    only_row boolean primary key default true check (only_row),
    required boolean not null default false
);
insert into agreement_mode default values;

-- standing_since: when the party last came or went, which is all that those see who have no
-- agreement with it. touched_at: when what anybody sees of it last changed.
alter table hosted_role add column standing_since timestamptz, add column touched_at timestamptz;
alter table hosted_role disable trigger hosted_role_place;
update hosted_role set standing_since = last_updated, touched_at = last_updated;
alter table hosted_role enable trigger hosted_role_place;
alter table hosted_role
    alter column standing_since set not null, alter column touched_at set not null;

create or replace function hosted_role_place() returns trigger language plpgsql as $$
declare
    moment timestamptz := date_trunc('milliseconds', clock_timestamp());
    told boolean := true;
begin
    if tg_op = 'UPDATE' then
        told := (new.country_code, new.party_id, new.role, new.status, new.business_details)
            is distinct from
            (old.country_code, old.party_id, old.role, old.status, old.business_details);
        if not told and new.touched_at = old.touched_at then
            return new;
        end if;
        if old.x <> pg_current_xact_id()::text::bigint then
            new.prev_x := old.x;
            new.prev_seq := old.seq;
        end if;
    end if;
    new.x := pg_current_xact_id()::text::bigint;
    new.seq := nextval('line_seq');
    if told then
        new.last_updated := moment;
        new.touched_at := moment;
        if tg_op = 'INSERT' or (new.status = 'SUSPENDED') <> (old.status = 'SUSPENDED')
            or (new.country_code, new.party_id) <> (old.country_code, old.party_id)
        then
            new.standing_since := moment;
        end if;
    end if;
    perform pg_notify('line', '');
    return new;
end
$$;
