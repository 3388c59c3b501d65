-- Whoever gives streams their events holds the organization's for that, and gives up soon where somebody else has one:
-- other organizations' streams are waiting too. The release before waits as long as a statement may take.

create function hold_streams(of_org uuid) returns void language plpgsql set lock_timeout = '500ms' as $$
begin
    perform from event_streams where org_id = of_org order by id for update;
end $$;
