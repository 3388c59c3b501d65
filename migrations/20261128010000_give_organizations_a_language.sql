-- The language of an organization's pages and mails, for readers of whom nothing closer is known.

set local lock_timeout = '10s';

alter table organizations add column locale text;
