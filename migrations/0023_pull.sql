-- How far the hub has read the lists of partners whose Sender interfaces it pulls.
--
-- synced_at: what the partner changed until then is here; null: never read to its end.
-- full_at: when the last complete pull of everything began.
-- owed: what has to come before its time, 'changes' or 'all', since asked_at; else empty.
-- begun_at: since when a pull runs; a process that dies leaves it, and the next one begins anew.
-- last: how the last pull ended, as the operator sees it.

create table pull (
    platform text not null references platform,
    module text not null,
    synced_at timestamptz,
    full_at timestamptz,
    owed text not null default '' check (owed in ('', 'changes', 'all')),
    asked_at timestamptz,
    failures integer not null default 0,
    next_at timestamptz not null,
    begun_at timestamptz,
    last jsonb,
    primary key (platform, module)
);
