//! Saying who may join without an invitation.

use orgate_domain::audit::{Action, Event};
use orgate_domain::joining::Joining;
use orgate_storage::OrgTx;

use super::Author;
use crate::{Env, Failure, events};

/// Says it anew, as of now, with its event; after [`seize`](orgate_storage::JoiningRules::seize): whoever is about to be invited by the word
/// before waits, or is waited for, and what that opened opens nothing any more.
pub(crate) async fn save_joining(
    env: &Env,
    tx: &mut OrgTx,
    author: &Author,
    joining: &Joining,
) -> Result<(), Failure> {
    let joining = &Joining { set_at: env.clock.now(), ..joining.clone() };
    tx.joining().save(joining).await?;
    let roles = joining.roles.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    let said = vec![
        ("domains", joining.domains.as_str().to_owned()),
        ("others", joining.others.as_str().to_owned()),
        ("roles", roles),
    ];
    let event = author.about(events::done(env, Action::JoiningConfigured, &author.origin)?);
    let detail = [said, author.detail.clone()].concat();
    Ok(tx.audit().insert(&Event { detail, ..event }).await?)
}
