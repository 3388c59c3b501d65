//! What came of sign-ins and tests, for whoever has to mend a connection.

use orgate_domain::connections::Asserted;
use orgate_domain::ids::TraceId;
use orgate_domain::setup::SetupPurpose;
use orgate_storage::{Connection, StoredTrace};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Setup, SetupError};
use crate::Env;
pub use crate::federation::trace::Check;

/// A trace as it was kept.
#[derive(Debug, Default, Deserialize)]
pub struct TraceDocument {
    /// Every check that was made, in order.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// The claims or attributes.
    #[serde(default)]
    pub asserted: Value,
    /// The document that they came in, decoded.
    #[serde(default)]
    pub document: Option<String>,
    #[serde(default)]
    identity: Value,
    /// What was made of it.
    #[serde(default)]
    pub mapped: Option<MappedUser>,
    #[serde(default)]
    withheld: Option<WithheldSlugs>,
}

/// A mapped user as a trace keeps it.
#[derive(Debug, Deserialize)]
pub struct MappedUser {
    /// What they are bound by.
    pub subject: String,
    /// Their address, as asserted.
    #[serde(default)]
    pub email: Option<String>,
    /// Whether it counts as theirs.
    #[serde(default)]
    pub email_is_own: bool,
    /// Their name.
    #[serde(default)]
    pub name: Option<String>,
    /// Slugs of roles.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Slugs of groups.
    #[serde(default)]
    pub groups: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
struct WithheldSlugs {
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    groups: Vec<String>,
}

impl TraceDocument {
    /// Reads what was kept; of one of another release, what it has in common.
    pub fn read(kept: &Value) -> Self {
        Self::deserialize(kept).unwrap_or_default()
    }

    /// What mappings are applied to.
    pub fn asserted(&self) -> Option<Asserted> {
        Asserted::deserialize(&self.identity).ok()
    }

    /// The claims by name, as text.
    pub fn claims(&self) -> Vec<(String, String)> {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            Value::Array(list) => {
                let words =
                    list.iter().map(|value| value.as_str().map_or_else(|| value.to_string(), Into::into));
                words.collect::<Vec<String>>().join(", ")
            }
            other => other.to_string(),
        };
        let none = Map::new();
        let claims = self.asserted.as_object().unwrap_or(&none);
        claims.iter().map(|(name, value)| (name.clone(), text(value))).collect()
    }

    /// Slugs of roles and of groups that were mapped and not given.
    pub fn withheld(&self) -> (&[String], &[String]) {
        self.withheld.as_ref().map_or((&[], &[]), |withheld| (&withheld.roles, &withheld.groups))
    }
}

/// One trace of the organization, with the connection it is of.
///
/// # Errors
/// [`SetupError::Missing`].
pub async fn find_trace(
    env: &Env,
    setup: &Setup,
    id: TraceId,
) -> Result<(Connection, StoredTrace), SetupError> {
    let mut tx = setup.begin(env, SetupPurpose::Sso).await?;
    let (connection, trace) = tx.upstream().find_trace(id).await?.ok_or(SetupError::Missing)?;
    let connection = tx.connections().find(connection).await?.ok_or(SetupError::Missing)?;
    tx.commit().await?;
    Ok((connection, trace))
}
