-- What the migration before it demands of new rows, of those that there are.

alter table setup_links validate constraint setup_links_session_id_fkey;
