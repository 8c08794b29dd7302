-- all
-- Every key, in order of creation.
select id, name, scopes, digest, created_at, expires_at from api_key order by number

-- create
-- A new key; only its digest is kept.
insert into api_key (id, name, scopes, digest, expires_at) values ($1, $2, $3, $4, $5)
returning id, name, scopes, created_at, expires_at

-- page
-- Keys in order of creation, behind one of them.
select id, name, scopes, created_at, expires_at from api_key
where number > coalesce((select number from api_key where id = $1), 0)
order by number limit $2

-- one
-- A key by its id.
select id, name, scopes, created_at, expires_at from api_key where id = $1

-- delete
-- A key that opens nothing any more.
delete from api_key where id = $1 returning 1
