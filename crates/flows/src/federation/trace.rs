//! The record of one sign-in through a connection: every check in order, and what was asserted, for
//! whoever sets the connection up.
//!
//! **Invariant:** a trace holds no token, no code and no key; what it quotes is bounded.

use orgate_domain::audit::Origin;
use orgate_domain::connections::{Asserted, Mapped, Withheld};
use orgate_domain::ids::{ConnectionId, TraceId};
use orgate_storage::{NewTrace, OrgTx};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{Env, Failure};

/// Characters of a quoted value.
const MAX_QUOTE: usize = 300;

/// Bytes of what was asserted, as it is kept.
const MAX_ASSERTED: usize = 32 * 1024;

/// What the states and ids of our own requests begin with.
const STATE: &str = "ogus_";

/// Claims that are kept out of traces.
const HIDDEN: [&str; 4] = ["nonce", "at_hash", "c_hash", "jti"];

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Its stable name.
    pub name: String,
    /// Whether it passed.
    pub passed: bool,
    /// What was found, or what is wrong and how to mend it.
    pub detail: String,
}

/// The record, as it grows.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub struct Trace {
    checks: Vec<Check>,
    asserted: Value,
    document: Option<String>,
    /// What mappings are applied to.
    identity: Value,
    mapped: Value,
    withheld: Value,
}

/// A check that failed: the sign-in is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{check}")]
pub struct Rejection {
    /// The check's name.
    pub check: &'static str,
}

impl Trace {
    /// A check that passed.
    pub fn pass(&mut self, name: &'static str, detail: impl AsRef<str>) {
        self.checks.push(Check { name: name.to_owned(), passed: true, detail: quote(detail.as_ref()) });
    }

    /// A check that failed, and why, with what mends it.
    pub fn fail(&mut self, check: &'static str, detail: impl AsRef<str>) -> Rejection {
        self.checks.push(Check { name: check.to_owned(), passed: false, detail: quote(detail.as_ref()) });
        Rejection { check }
    }

    /// Passes or fails.
    ///
    /// # Errors
    /// [`Rejection`].
    pub fn check(
        &mut self,
        name: &'static str,
        holds: bool,
        detail: impl FnOnce() -> String,
    ) -> Result<(), Rejection> {
        if holds {
            self.pass(name, "");
            Ok(())
        } else {
            Err(self.fail(name, detail()))
        }
    }

    /// Takes over checks made elsewhere.
    pub fn extend(&mut self, checks: impl IntoIterator<Item = Check>) {
        let redacted = |check: Check| Check { detail: redact(&check.detail), ..check };
        self.checks.extend(checks.into_iter().map(redacted));
    }

    /// What the identity provider said.
    pub fn assert(&mut self, claims: &Map<String, Value>) {
        let kept: Map<String, Value> = claims
            .iter()
            .filter(|(name, _)| !HIDDEN.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let value = Value::Object(kept);
        self.asserted = if value.to_string().len() > MAX_ASSERTED {
            json!({ "…": "more than is kept here" })
        } else {
            value
        };
    }

    /// The document it said it in, decoded.
    pub fn show(&mut self, document: &str) {
        let document = redact(document);
        let mut end = document.len().min(MAX_ASSERTED);
        while !document.is_char_boundary(end) {
            end -= 1;
        }
        self.document = document.get(..end).map(str::to_owned);
    }

    /// What the mapping is applied to, so that another can be tried on it.
    pub fn identify(&mut self, asserted: &Asserted) {
        let kept = asserted.attributes.iter().filter(|(name, _)| !HIDDEN.contains(&name.as_str()));
        let attributes = kept.map(|(name, values)| (name.clone(), values.clone())).collect();
        let value = serde_json::to_value(Asserted { attributes, ..asserted.clone() }).unwrap_or_default();
        if value.to_string().len() <= MAX_ASSERTED {
            self.identity = value;
        }
    }

    /// What was mapped and is not given.
    pub fn withhold(&mut self, withheld: &Withheld) {
        self.withheld = json!({ "roles": withheld.roles, "groups": withheld.groups });
    }

    /// What was made of it.
    pub fn map(&mut self, mapped: &Mapped) {
        self.mapped = json!({
            "subject": mapped.subject,
            "email": mapped.address.email().map(orgate_domain::email::Email::as_str),
            "email_is_own": mapped.address.own().is_some(),
            "name": mapped.name.as_ref().map(orgate_domain::names::DisplayName::as_str),
            "roles": mapped.roles,
            "groups": mapped.groups,
        });
    }

    /// The checks so far.
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// Keeps it.
    pub(crate) async fn save(
        &self,
        env: &Env,
        tx: &mut OrgTx,
        (connection_id, version, purpose): (ConnectionId, i32, &'static str),
        (failed, origin): (Option<Rejection>, &Origin),
    ) -> Result<TraceId, Failure> {
        let now = env.clock.now();
        let id = TraceId::from_uuid(env.random.uuid(now)?);
        let trace = json!({
            "checks": self.checks,
            "asserted": self.asserted,
            "document": self.document,
            "identity": self.identity,
            "mapped": self.mapped,
            "withheld": self.withheld,
        });
        let new = NewTrace {
            id,
            connection_id,
            version,
            purpose,
            failed_check: failed.map(|rejection| rejection.check),
            request_id: origin.request_id.as_deref(),
            trace: &trace,
            at: now,
        };
        tx.upstream().insert_trace(&new).await?;
        Ok(id)
    }
}

/// What somebody said who may repeat what they were told: without that.
pub(crate) fn without(said: &str, told: &[&str]) -> String {
    let told = told.iter().filter(|told| !told.is_empty());
    told.fold(said.to_owned(), |said, told| said.replace(told, "(secret)"))
}

/// Text without the states and ids of our own requests: each is a credential while its request waits.
fn redact(text: &str) -> String {
    let mut parts = text.split(STATE);
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        kept.push_str(STATE);
        kept.push('…');
        kept.push_str(part.trim_start_matches(|c: char| c.is_ascii_alphanumeric()));
    }
    kept
}

/// A value as it is quoted: cut, on one line, and without what is ours alone.
pub(crate) fn quote(text: &str) -> String {
    let text = redact(text);
    let mut kept: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_QUOTE).collect();
    if text.chars().nth(MAX_QUOTE).is_some() {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use orgate_domain::credentials::{CredentialKind as _, UpstreamState};

    use super::*;

    #[test]
    fn the_id_of_our_request_is_never_kept() {
        assert_eq!(STATE, format!("{}_", UpstreamState::PREFIX));
        let mut trace = Trace::default();

        trace.show(r#"<Response InResponseTo="ogus_01abc" ID="x"/>"#);
        trace.pass("a", "ogus_01abc");
        trace.extend([Check { name: "b".to_owned(), passed: false, detail: "found \"ogus_9\".".to_owned() }]);

        assert_eq!(trace.document.as_deref(), Some(r#"<Response InResponseTo="ogus_…" ID="x"/>"#));
        let details: Vec<_> = trace.checks().iter().map(|check| check.detail.as_str()).collect();
        assert_eq!(details, ["ogus_…", "found \"ogus_…\"."]);
    }
}
