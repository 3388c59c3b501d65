//! Sign-ins that begin at the provider: for which application.

use orgate_domain::connections::SamlSettings;
use orgate_domain::setup::SetupPurpose;

use super::{Setup, SetupError};
use crate::Env;

/// Applications that are looked through.
const MAX_APPLICATIONS: i64 = 200;

/// An application that can begin a sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Its `client_id`.
    pub client_id: String,
    /// Its name.
    pub name: String,
}

/// The applications of the organization's users that have an address to begin a sign-in at, by name. The assertion
/// of the provider signs nobody in, so without such an address there is nothing to go on with.
///
/// # Errors
/// [`SetupError`].
pub async fn applications(env: &Env, setup: &Setup) -> Result<Vec<Application>, SetupError> {
    let mut tx = setup.begin(env, SetupPurpose::Sso).await?;
    let admitted = tx.clients().list_initiating(MAX_APPLICATIONS).await?;
    tx.commit().await?;
    let mut found = Vec::new();
    for key in admitted {
        let Some(client) = env.configuration.client_by_id(&env.store, key).await? else { continue };
        if client.initiate_login_uri.is_some() {
            let (client_id, name) = (client.client_id.clone(), client.name.as_str().to_owned());
            found.push(Application { client_id, name });
        }
    }
    found.sort_by(|one, other| (&one.name, &one.client_id).cmp(&(&other.name, &other.client_id)));
    Ok(found)
}

/// `base`, with sign-ins that begin at the provider for this application, or for none. One that is allowed already
/// stays so.
///
/// # Errors
/// [`SetupError::Invalid`] if the application has no address to begin at, or is not the organization's.
pub(super) async fn allowed(
    env: &Env,
    setup: &Setup,
    base: SamlSettings,
    wanted: Option<&str>,
) -> Result<SamlSettings, SetupError> {
    let Some(client_id) = wanted else {
        return Ok(SamlSettings { allow_unsolicited: false, unsolicited_client: None, ..base });
    };
    let stays = base.allow_unsolicited && base.unsolicited_client.as_deref() == Some(client_id);
    if !stays && applications(env, setup).await?.iter().all(|known| known.client_id != client_id) {
        let why = "Choose one of the applications: this one cannot begin a sign-in.";
        return Err(SetupError::invalid("unsolicited_client", why));
    }
    Ok(SamlSettings { allow_unsolicited: true, unsolicited_client: Some(client_id.to_owned()), ..base })
}
