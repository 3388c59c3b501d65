-- Scripts of a single-page client ask for its tokens from a browser, which lets them read the answer only if we name
-- their origin. An origin comes without a client, so it leads to one here.
alter table client_directory add column origins text[] not null default '{}';

-- Redirect URIs are kept in their normal form, so what stands before the path is the origin.
alter table client_directory no force row level security;
alter table clients no force row level security;
update client_directory directory
set origins = array(select distinct substring(uri from '^https?://[^/?]+') from unnest(directory.redirect_uris) as uri)
from clients client
where client.org_id = directory.org_id and client.id = directory.id and client.kind = 'spa';
alter table clients force row level security;
alter table client_directory force row level security;

create index client_directory_origins on client_directory using gin (origins);
