-- Clients that nobody registered: their `client_id` is the address of a document (client ID metadata documents). There is
-- none before the operator's policy says so, which the release before cannot say.
alter table policies
    add column client_id_metadata text check (client_id_metadata in ('allowed', 'forbidden'));

alter table clients
    drop constraint clients_party_check,
    add constraint clients_party_check check (party in ('first', 'third', 'unregistered'));

-- What was fetched last, so that nothing is written where nothing has changed.
create table client_documents (
    org_id        uuid not null default current_org_id(),
    client_id     uuid not null,
    document_hash bytea not null, -- SHA-256
    fetched_at    timestamptz not null, -- the first time that it said this
    primary key (org_id, client_id),
    foreign key (org_id, client_id) references clients (org_id, id)
);
call isolate_by_organization('client_documents', 'select, insert, update');
