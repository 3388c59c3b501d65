//! How connections do, for whoever looks after them.

use chrono::{DateTime, Utc};
use orgate_domain::connections::{ConnectionState, ProviderSettings};
use orgate_domain::ids::ConnectionId;
use orgate_saml::certificate::Certificate;
use orgate_storage::{Connection, ConnectionCondition, LastTrace};

use crate::manage::Caller;
use crate::setup::certificates;
use crate::{Env, Failure};

/// How a connection does.
#[derive(Debug, Clone)]
pub struct Condition {
    /// The connection.
    pub id: ConnectionId,
    /// Its name on the sign-in page.
    pub name: String,
    /// Where it is in its life.
    pub state: ConnectionState,
    /// Whom its provider says that it is: the issuer, or the entity id. `None` before that is known.
    pub provider: Option<String>,
    /// Until when there is a certificate that it may sign with, where there are any.
    pub certified_until: Option<DateTime<Utc>>,
    /// The addresses that its pilot lists.
    pub pilots: Vec<String>,
    /// What came of the last test, if it was of late.
    pub tested: Option<LastTrace>,
    /// The last sign-in that failed, if it was of late.
    pub failed: Option<LastTrace>,
}

/// How each connection of the organization does.
///
/// # Errors
/// [`Failure`].
pub async fn list_conditions(env: &Env, caller: &Caller) -> Result<Vec<Condition>, Failure> {
    let found = caller.read(env, async |tx| tx.connections().list_conditions(None).await).await?;
    Ok(found.into_iter().map(Condition::of).collect())
}

/// One connection, and how it does; `None` if the organization has none of this id.
///
/// # Errors
/// [`Failure`].
pub async fn find_condition(
    env: &Env,
    caller: &Caller,
    id: ConnectionId,
) -> Result<Option<(Connection, Condition)>, Failure> {
    let found = caller
        .read(env, async |tx| {
            let connection = tx.connections().find(id).await?;
            let condition = tx.connections().list_conditions(Some(id)).await?.pop();
            Ok(connection.zip(condition))
        })
        .await?;
    Ok(found.map(|(connection, condition)| (connection, Condition::of(condition))))
}

impl Condition {
    fn of(found: ConnectionCondition) -> Self {
        let provider = found.settings.as_ref().map(|settings| &settings.provider);
        let certified_until = match provider {
            Some(ProviderSettings::Saml(saml)) => certificates::of(saml).first().map(Certificate::not_after),
            Some(ProviderSettings::Oidc(_)) | None => None,
        };
        Self {
            id: found.id,
            name: found.name,
            state: found.state,
            provider: provider.map(|provider| provider.identifier().to_owned()),
            certified_until,
            pilots: found.pilots,
            tested: found.tested,
            failed: found.failed,
        }
    }
}
