-- Whether anything refers to a client is asked by client alone, by the clean-up and by foreign keys. By itself, so that the
-- tables of clients, which every request reads, are not locked while these are read through.
create index authorization_codes_by_client on authorization_codes (client_org_id, client_id);
create index authorization_requests_by_client on authorization_requests (client_org_id, client_id);
create index consents_by_client on consents (client_org_id, client_id);
create index grants_by_client on grants (client_org_id, client_id);
