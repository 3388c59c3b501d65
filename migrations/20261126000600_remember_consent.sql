-- What people let other people's applications have. The release before asks nobody and reads none of this; what it grants a
-- third-party client is refused at its next refresh, and asked for then.

-- One row is one consent: by one user, in one organization, to one client. It is deleted when it is taken back; the log
-- has its history.
create table consents (
    org_id        uuid not null default current_org_id() references organizations (org_id),
    user_id       uuid not null,
    client_org_id uuid not null,
    client_id     uuid not null,
    scope         text not null,        -- all that was ever granted since the consent was first given
    created_at    timestamptz not null,
    updated_at    timestamptz not null, -- when more was granted, or the same again
    primary key (org_id, user_id, client_org_id, client_id),
    foreign key (org_id, user_id) references users (org_id, id),
    foreign key (client_org_id, client_id) references client_directory (org_id, id)
);
call isolate_by_organization('consents', 'select, insert, update, delete');

-- The session that a request waits for consent in: everything else that it asks for was answered there.
alter table authorization_requests
    add column consent_session_id uuid,
    add foreign key (org_id, consent_session_id) references sessions (org_id, id);
create index authorization_requests_by_consent_session on authorization_requests (org_id, consent_session_id)
    where consent_session_id is not null;
grant select (consent_session_id) on authorization_requests to orgate_clean;

alter table policies
    add column third_party_clients text check (third_party_clients in ('allowed', 'forbidden'));

-- Whose families a consent is about.
create index grants_by_user_and_client on grants (org_id, user_id, client_org_id, client_id);
