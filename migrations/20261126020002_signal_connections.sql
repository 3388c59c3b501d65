-- What a connection gives, its users have only while it is in force: receivers of security events hear of that too. Read
-- by `Action::signals`, which a test compares. The events of the release before are signalled alike, and say nothing.

create or replace trigger signal_streams
    after insert on audit_events
    for each row
    when (
        new.outcome = 'success'
        and new.action in (
            'connection.activated', 'connection.configured', 'group.configured', 'identity.linked',
            'recovery_codes.created', 'role.configured', 'session.ended', 'sign_in.succeeded', 'user.configured'
        )
        -- Most sign-ins change no session's assurance.
        and (new.action <> 'sign_in.succeeded' or new.detail ? 'previous_acr')
        -- Rows that move between partitions are no news.
        and current_org_id() is not null
    )
    execute function signal_streams();
