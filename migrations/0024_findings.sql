-- What broke a rule without being refused, counted for each partner, rule and hour.

-- text and message: of the hop with the largest id, of which first_id is the smallest.
create table finding (
    platform text not null,
    rule text collate "C" not null,
    hour timestamptz not null,
    times bigint not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    text text not null,
    first_id bigint not null,
    message bigint not null,
    primary key (platform, rule, hour)
);
create index finding_last_at on finding (last_at);

create index hop_findings on hop (platform, id) where findings <> '{}';
