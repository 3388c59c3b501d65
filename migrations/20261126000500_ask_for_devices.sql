-- Devices that have their sign-in done elsewhere (RFC 8628). What a device asks for is its client's owner's
-- until a person has said in which organization they let it in: the code then waits there, and the device's
-- row says where. Releases before have no such requests and read none of these columns.
create table device_requests (
    org_id        uuid not null default current_org_id(),
    id            uuid not null,
    code_hash     bytea not null, -- SHA-256 of the credential that the device polls with
    client_id     uuid not null,
    parameters    text not null,  -- form-encoded; the client's proof of itself is not among them
    dpop_jkt      text,           -- the key that the request proved
    called        uuid,           -- the organization whose issuer it called; null: the shared one
    status        text not null default 'pending' check (status in ('pending', 'approved', 'denied')),
    answered_by   uuid,           -- the authorization request that was answered so, in
    answered_in   uuid,           -- this organization; the code there is derived of both
    interval_secs integer not null check (interval_secs > 0),
    polled_at     timestamptz,
    created_at    timestamptz not null,
    expires_at    timestamptz not null,
    primary key (org_id, id),
    unique (org_id, code_hash),
    foreign key (org_id, client_id) references clients (org_id, id),
    constraint device_requests_answer check (
        (status = 'pending') = (answered_by is null) and (status = 'approved') = (answered_in is not null)
    )
);
call isolate_by_organization('device_requests', 'select, insert');
grant update (status, answered_by, answered_in, interval_secs, polled_at) on device_requests to orgate_app;
create index device_requests_by_expiry on device_requests (expires_at);
create policy clean on device_requests to orgate_clean using (true);
grant select (org_id, id, expires_at), delete on device_requests to orgate_clean;

-- Resolver: what a person types leads to the device that shows it, for as long as nobody has answered it.
create table device_user_codes (
    code_hash bytea primary key, -- keyed: the code is short
    org_id    uuid not null default current_org_id(),
    device_id uuid not null,
    unique (org_id, device_id),
    foreign key (org_id, device_id) references device_requests (org_id, id) on delete cascade
);
call isolate_by_organization('device_user_codes', 'select, insert, delete');
create policy resolve on device_user_codes for select to orgate_resolve using (true);
grant select on device_user_codes to orgate_resolve;

-- The sign-in for a device is a sign-in as any other, up to its end: there the device waits for approval, in
-- the session that was begun for it and in no other.
alter table authorization_requests
    add column device_id  uuid, -- the client's owner's
    add column session_id uuid,
    add constraint authorization_requests_device check (session_id is null or device_id is not null);
