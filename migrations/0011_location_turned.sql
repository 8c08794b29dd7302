-- Where on the line publish last turned; (0, 0) when it never did. Who had a Location before it was
-- withdrawn is told so once.

alter table location
    add column turn_x bigint not null default 0,
    add column turn_seq bigint not null default 0;
