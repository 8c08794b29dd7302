-- record
-- One entry; the table takes no changes and no deletions.
insert into audit (actor, address, action, target, details) values ($1, $2, $3, $4, $5)

-- page
-- Newest first, older than one of them; null filters nothing.
select id, at, actor, address, action, target, details from audit
where ($1::bigint is null or id < $1)
  and ($3::text is null or actor = $3)
  and ($4::text is null or action = $4)
  and ($5::text is null or target = $5)
order by id desc limit $2
