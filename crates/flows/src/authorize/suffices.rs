//! Whether a live session answers a request, or its user has to prove who they are again.

use orgate_domain::clients::Client;
use orgate_domain::email::Email;
use orgate_domain::policies::Policy;
use orgate_domain::resolution::Reason;
use orgate_domain::standing::Standing;
use orgate_protocol::oauth::authorize::Prompt;
use orgate_storage::NewAuthorizationRequest;

use super::Pending;
use crate::Env;

/// Whether the session answers the request without asking anyone anything.
pub(super) fn suffices(env: &Env, pending: &Pending, standing: &Standing) -> bool {
    let asked = &pending.asked;
    let chosen = matches!(asked.resolved_by, Some(Reason::Chosen | Reason::OnlySession));
    let fresh =
        asked.prompt.contains(&Prompt::Login) || asked.prompt.contains(&Prompt::SelectAccount) && !chosen;
    let same_user = asked.expected_user.is_none_or(|expected| expected == standing.session.user_id);
    !fresh
        && same_user
        && is_of_address(env, asked, standing)
        && standing.session.satisfies_max_age(asked.max_age, env.clock.now())
        && asked.accepts(standing.session.acr())
}

/// Whether the session that a request was answered in, and that a page asked for something more in, still is one that
/// the client is answered in. What the request itself asks for was proven when it came there; reading a page takes a
/// while.
pub(crate) fn still_suffices(env: &Env, (client, policy): (&Client, &Policy), standing: &Standing) -> bool {
    let (settings, now) = (&client.settings, env.clock.now());
    standing.is_live(now, &settings.tighten(policy))
        && standing.session.satisfies_max_age(settings.max_age(None), now)
}

/// Whoever came here by an address, hinted or proven, is not answered in the session of another.
fn is_of_address(env: &Env, asked: &NewAuthorizationRequest, standing: &Standing) -> bool {
    let session_of = standing.user.email.as_deref().and_then(|email| Email::stored(email).ok());
    let by_address = matches!(asked.resolved_by, Some(Reason::LoginHint | Reason::Discovered));
    let hinted = asked.login_hint.as_deref().and_then(|hint| Email::parse(hint).ok()).filter(|_| by_address);
    let hint_fits = hinted
        .is_none_or(|hint| session_of.as_ref().is_some_and(|own| own.normalized() == hint.normalized()));
    let proof_fits = asked.proven_address.is_none_or(|proven| {
        let own = session_of.as_ref().map(|own| env.vault.email_hashes(own)).unwrap_or_default();
        proven.hashes().iter().any(|hash| own.contains(hash))
    });
    hint_fits && proof_fits
}
