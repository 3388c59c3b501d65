//! What a SAML provider's metadata proposes, taken over by whoever sets up.
//!
//! **Invariant:** what is taken over is what was looked at, and by it nobody comes to give more than they may.

use chrono::{DateTime, Utc};
use orgate_domain::audit::{Action, Origin};
use orgate_domain::connections::{SamlBinding, SamlSettings, Withheld};
use orgate_domain::ids::ConnectionId;
use orgate_domain::setup::SetupPurpose;
use orgate_saml::certificate::Certificate;
use orgate_storage::OrgTx;

use super::certificates::{self, fingerprint};
use super::connections::Detail;
use super::{NotYet, Setup, SetupError};
use crate::federation::ceiling;
pub use crate::federation::refresh::Proposal;
use crate::federation::refresh::{accept, find_seen, proposal_in};
use crate::{Env, Failure, events};

/// One line that it changes, certificates apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What it is, for people.
    pub what: &'static str,
    /// What it is now; empty where there is none.
    pub before: String,
    /// What it would be.
    pub after: String,
}

/// A certificate that is known, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// SHA-256 of it, as [`fingerprint`] writes it.
    pub fingerprint: String,
    /// From when on.
    pub not_before: DateTime<Utc>,
    /// Until when.
    pub not_after: DateTime<Utc>,
    /// What becomes of it.
    pub fate: Fate,
}

/// What becomes of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It is trusted from then on.
    Added,
    /// It goes on being trusted.
    Kept,
    /// It is trusted no more.
    Removed,
}

/// What a proposal changes, certificates apart.
pub fn differences(proposal: &Proposal) -> Vec<Difference> {
    let (before, after) = (&proposal.present, &proposal.wanted);
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let lines = [
        ("Entity ID", before.entity_id.clone(), after.entity_id.clone()),
        ("Sign-in address", before.sso_url.clone(), after.sso_url.clone()),
        ("How sign-ins go there", binding(before.sso_binding), binding(after.sso_binding)),
        ("Sign-out address", text(&before.slo_url), text(&after.slo_url)),
        (
            "Address for answers to its sign-outs",
            text(&before.slo_response_url),
            text(&after.slo_response_url),
        ),
        ("How sign-outs go there", binding(before.slo_binding), binding(after.slo_binding)),
        ("Our requests", signing(before), signing(after)),
    ];
    lines
        .into_iter()
        .filter(|(_, before, after)| before != after)
        .map(|(what, before, after)| Difference { what, before, after })
        .collect()
}

fn binding(binding: SamlBinding) -> String {
    match binding {
        SamlBinding::Post => "HTTP-POST".to_owned(),
        SamlBinding::Redirect => "HTTP-Redirect".to_owned(),
    }
}

fn signing(settings: &SamlSettings) -> String {
    if settings.sign_requests { "Signed".to_owned() } else { "Not signed".to_owned() }
}

/// Every certificate that is trusted now or would be, the new ones first.
pub fn certificates(proposal: &Proposal) -> Vec<Compared> {
    let (before, after) = (certificates::of(&proposal.present), certificates::of(&proposal.wanted));
    let compared = |certificate: &Certificate, fate| Compared {
        fingerprint: fingerprint(certificate),
        not_before: certificate.not_before(),
        not_after: certificate.not_after(),
        fate,
    };
    let wanted = after.iter().map(|certificate| {
        let fate = if before.contains(certificate) { Fate::Kept } else { Fate::Added };
        compared(certificate, fate)
    });
    let gone = before.iter().filter(|certificate| !after.contains(certificate));
    let mut all: Vec<_> =
        wanted.chain(gone.map(|certificate| compared(certificate, Fate::Removed))).collect();
    all.sort_by(|one, other| (one.fate, &one.fingerprint).cmp(&(other.fate, &other.fingerprint)));
    all.dedup();
    all
}

/// What the connection gives and the link may not: while there is any, what waits is not this link's to take over.
/// Trusting a key is trusting whoever holds it with all that the connection gives.
pub fn beyond(setup: &Setup, detail: &Detail) -> Withheld {
    let known = ceiling::group_roles(&detail.groups);
    let proposal = detail.proposal.as_ref();
    proposal.map(|proposal| proposal.lost_below(setup.ceiling(), &known)).unwrap_or_default()
}

/// The connections with something that waits.
///
/// # Errors
/// [`SetupError`].
pub(super) async fn waiting(tx: &mut OrgTx) -> Result<Vec<ConnectionId>, SetupError> {
    let mut waiting = Vec::new();
    for id in tx.refreshes().list_proposed().await? {
        if proposal_in(tx, id).await?.is_some() {
            waiting.push(id);
        }
    }
    Ok(waiting)
}

/// Takes over what waits, live at once where the connection is, if it is what was looked at: `seen` is its
/// [`Proposal::digest`]. `false`, with nothing done, if it is something else by now, or nothing.
///
/// # Errors
/// [`SetupError`]; [`NotYet::BeyondLink`] if the connection gives what the link may not, which is an event.
pub async fn approve(
    env: &Env,
    setup: &Setup,
    (id, seen): (ConnectionId, &str),
    origin: &Origin,
) -> Result<bool, SetupError> {
    let mut tx = setup.begin(env, SetupPurpose::Sso).await?;
    let Some(proposal) = find_seen(&mut tx, (id, seen)).await? else { return Ok(false) };
    let bound = setup.ceiling();
    let known = ceiling::group_roles(&tx.groups().list().await?);
    if !proposal.lost_below(bound, &known).is_empty() {
        drop(tx);
        let event = events::refused(env, Action::ConnectionConfigured, "beyond_link", origin);
        let event = setup.about(id, event.map_err(Failure::from)?, Vec::new());
        env.refusals.record(env, &setup.scope, event).await?;
        return Err(SetupError::NotYet(NotYet::BeyondLink));
    }
    let Some(detail) = accept(env, &mut tx, &proposal, Some(bound)).await? else { return Ok(false) };
    setup.commit((env, origin), tx, (Action::ConnectionConfigured, id), detail).await?;
    Ok(true)
}
