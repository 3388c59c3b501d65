-- Authorization requests that a client pushed (RFC 9126), with the client's owner: what they ask for
-- decides the organization, and they are read before that. A person may open one again until a sign-in
-- answers it, in which their organization uses it up with the code.
create table pushed_requests (
    org_id      uuid not null default current_org_id(),
    handle_hash bytea not null, -- SHA-256 of the credential in the request_uri
    client_id   uuid not null,
    parameters  text not null,  -- form-encoded; the client's proof of itself is not among them
    dpop_jkt    text,           -- the key that the request proved
    created_at  timestamptz not null,
    expires_at  timestamptz not null,
    primary key (org_id, handle_hash),
    foreign key (org_id, client_id) references clients (org_id, id)
);
call isolate_by_organization('pushed_requests', 'select, insert');
create index pushed_requests_by_expiry on pushed_requests (expires_at);
create policy clean on pushed_requests to orgate_clean using (true);
grant select (org_id, handle_hash, expires_at), delete on pushed_requests to orgate_clean;

alter table authorization_requests add column pushed_hash bytea;
alter table consumed_ids
    drop constraint consumed_ids_kind_check,
    add constraint consumed_ids_kind_check
        check (kind in ('client_assertion', 'dpop_proof', 'grant_assertion', 'pushed_request'));
