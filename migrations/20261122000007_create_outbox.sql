-- Messages that leave Orgate, written in the transaction of the change they tell of.
create table outbox (
    org_id       uuid not null default current_org_id() references organizations (org_id),
    id           uuid not null,
    kind         text not null check (kind in ('discovery_mail')),
    payload      bytea,          -- AES-256-GCM under the organization's data key; erased on delivery
    created_at   timestamptz not null,
    available_at timestamptz not null,
    attempts     integer not null default 0,
    delivered_at timestamptz,
    failed_at    timestamptz,    -- given up
    primary key (org_id, id)
);
call isolate_by_organization('outbox', 'select, insert, update');
create index outbox_waiting on outbox (available_at) where delivered_at is null and failed_at is null;
create index outbox_done on outbox (coalesce(delivered_at, failed_at)) where coalesce(delivered_at, failed_at) is not null;
create policy deliver on outbox to orgate_deliver using (true);
grant select (org_id, id, available_at, attempts, delivered_at, failed_at), update (available_at, attempts) on outbox to orgate_deliver;
create policy clean on outbox to orgate_clean using (true);
grant select (org_id, id, delivered_at, failed_at), delete on outbox to orgate_clean;
