-- number
-- The version of a subject.
select number from version where subject = $1

-- lock
-- One writer at a time.
select from version where subject = $1 for update

-- changed
-- A subject changed in this transaction: wake its followers after the commit.
with changed as (
    update version set number = number + 1 where subject = $1 returning subject
)
select pg_notify(subject, '') from changed
