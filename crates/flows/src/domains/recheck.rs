//! Looking again at what was proven: a record that is gone proves nothing for long.

use chrono::Duration;
use orgate_domain::audit::{Action, Actor};
use orgate_domain::domains::{CHECK_PAUSE, Finding, GRACE, RETRY_PAUSE, Verdict};
use orgate_domain::ids::DomainId;
use orgate_storage::OrgScope;

use super::note;
use crate::configure::Author;
use crate::notices::{Notice, prepare};
use crate::{Env, Failure};

/// A claimed domain is another node's to look at after this long.
const LEASE: Duration = Duration::minutes(5);

/// Domains that one call looks at.
const BATCH: i64 = 20;

/// Looks again at the domains that are due; how many there were.
///
/// # Errors
/// [`Failure`], for the claim only.
pub async fn check_due(env: &Env) -> Result<usize, Failure> {
    let now = env.clock.now();
    let due = env.store.claim_domains(now, now + LEASE, BATCH).await?;
    for (scope, id) in &due {
        if let Err(failure) = check(env, scope, *id).await {
            tracing::warn!(domain.id = %id, error = &failure as &dyn std::error::Error, "a domain could not be looked at");
        }
    }
    Ok(due.len())
}

async fn check(env: &Env, scope: &OrgScope, id: DomainId) -> Result<(), Failure> {
    let mut tx = env.store.begin(scope).await?;
    let known = tx.domains().list().await?.into_iter().find(|domain| domain.id == id);
    tx.commit().await?;
    let Some(domain) = known.filter(|domain| domain.verified_at.is_some()) else { return Ok(()) };
    let Some(text) = domain.record_text() else { return Ok(()) };
    let finding = env.dns.find_text(&domain.record_name(), &text).await;
    let now = env.clock.now();
    let verdict = domain.judge(finding, now);
    let answered_at = (finding != Finding::Unknown).then_some(now);
    let notice = match verdict {
        Verdict::Failing(since) if domain.failing_since.is_none() => {
            Some(Notice::domain_failing(&domain, since + GRACE))
        }
        Verdict::Lapsed => Some(Notice::domain_lapsed(&domain)),
        Verdict::Failing(_) | Verdict::Proven => None,
    };
    let notice = match notice {
        Some(notice) => prepare(env, scope, notice).await?,
        None => None,
    };
    let mut tx = env.store.begin(scope).await?;
    match verdict {
        Verdict::Proven => {
            let pause = if finding == Finding::Present { CHECK_PAUSE } else { RETRY_PAUSE };
            tx.domains().save_check(id, (None, now + pause), answered_at).await?;
            if domain.failing_since.is_some() {
                note(env, &mut tx, (Action::DomainVerified, &Author::of(Actor::System)), &domain.name, &[])
                    .await?;
            }
        }
        Verdict::Failing(since) => {
            tx.domains().save_check(id, (Some(since), now + RETRY_PAUSE), answered_at).await?;
            if domain.failing_since.is_none() {
                let until = [("until", (since + GRACE).to_rfc3339())];
                note(env, &mut tx, (Action::DomainFailing, &Author::of(Actor::System)), &domain.name, &until)
                    .await?;
            }
        }
        Verdict::Lapsed => {
            tx.domains().lapse(&domain.name).await?;
            note(env, &mut tx, (Action::DomainLapsed, &Author::of(Actor::System)), &domain.name, &[]).await?;
        }
    }
    if let Some(notice) = notice {
        notice.send(&mut tx).await?;
    }
    tx.commit().await?;
    if verdict == Verdict::Lapsed {
        env.configuration.forget();
    }
    Ok(())
}
