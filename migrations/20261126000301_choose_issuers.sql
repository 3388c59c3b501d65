-- Organizations issue themselves, at /o/{org id}: a client begins there where it is told to, or calls. A code says where,
-- so that the answer that brings it and the tokens that come of it agree; one without is the shared issuer's, as are all
-- that the release before issues.
alter table clients
    add column issuer text not null default 'shared' check (issuer in ('shared', 'organization'));
alter table authorization_codes add column issuer text;
