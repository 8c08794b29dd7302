-- The hub's copy of what is one piece: Tariffs and Tokens.
--
-- Places, keys, stamps and messages as in 0010: (x, seq) is the place of the last change, message is
-- null when it equals the state. part: a Token's type, for its identity is uid and type.
-- body: null once the object was deleted; the row stays, since a deletion is told like a change.
-- born: the number at which it was created or came back, and so its place in lists.

create table object (
    module text collate "C" not null,
    country text collate "C" not null,
    party text collate "C" not null,
    id text collate "C" not null,
    part text collate "C" not null,
    country_code text not null,
    party_id text not null,
    object_id text not null,
    spelling text not null,
    born bigint not null,
    body bytea,
    last_updated text collate "C" not null,
    x bigint not null,
    seq bigint not null,
    prev_x bigint not null default 0,
    prev_seq bigint not null default 0,
    method text not null,
    path text not null,
    message bytea,
    origin text not null,
    correlation_id text not null,
    primary key (module, id, part, country, party)
);

create index object_line on object (x, seq);
create index object_list on object (module, born) where body is not null;
create index object_last_updated on object (module, last_updated) where body is not null;

alter table object alter column body set storage external, alter column message set storage external;
