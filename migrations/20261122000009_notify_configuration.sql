-- Caches of configuration are told at once. Only configuration: in a sign-in or token transaction a
-- notification would cost most of its throughput.
create function notify_configuration() returns trigger
    language plpgsql
    as $$
begin
    perform pg_notify('orgate_configuration', tg_table_name || ':' || coalesce(new.org_id, old.org_id)::text);
    return null;
end
$$;

create trigger notify after insert or update or delete on client_directory for each row execute function notify_configuration();
create trigger notify after insert or update or delete on clients for each row execute function notify_configuration();
create trigger notify after insert or update or delete on client_secrets for each row execute function notify_configuration();
create trigger notify after insert or update or delete on policies for each row execute function notify_configuration();
create trigger notify after insert or update or delete on signing_keys for each row execute function notify_configuration();
