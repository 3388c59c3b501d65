-- People see what happened with their own account, however long the organization's log is. Only what they would look at is indexed:
-- what happens by itself all day, such as a refresh, is written as before, without a further index to keep. The release before
-- asks no such question.

-- The log is locked for writing while it is read through. Where that is in use for longer, this fails, and can be run again,
-- instead of holding up everybody.
set local lock_timeout = '10s';

create index audit_events_by_user on audit_events (org_id, user_id, occurred_at, id)
    where user_id is not null
      and action not in ('authorization.issued', 'client.told_of_logout', 'code.redeemed', 'organization.resolved',
                         'refresh_token.rotated', 'token.exchanged', 'token.issued');
