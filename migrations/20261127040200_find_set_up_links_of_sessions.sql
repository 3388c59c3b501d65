-- no-transaction
-- Sessions are deleted by the thousand, and each looks for what it opened.

create index concurrently if not exists setup_links_by_session on setup_links (org_id, session_id)
    where session_id is not null;
