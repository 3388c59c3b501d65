-- Turns at pushing are shared among receivers, endpoints and organizations: whoever does not answer takes no one else's.

alter table event_streams add column endpoint_host text generated always as (
    lower(substring(endpoint_url from '^[a-z]+://(?:[^/?#@]*@)?(\[[^]]*\]|[^/?#:]*)'))
) stored;
create index event_streams_leased on event_streams (leased_until) where leased_until is not null;
grant select (client_org_id, client_id, endpoint_host) on event_streams to orgate_deliver;
