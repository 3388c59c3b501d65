//! Why an authorization request would be resolved as it would: the same facts, the same decision,
//! nothing stored.

use orgate_domain::audit::Origin;
use orgate_domain::credentials::SecretHash;
use orgate_domain::resolution::{Decision, Facts, resolve};
use orgate_protocol::oauth::authorize;
use orgate_protocol::params::Params;

use crate::authorize::gather;
use crate::{Browser, Env, Failure};

/// What would become of a request.
#[derive(Debug)]
pub enum Explanation {
    /// A page: this is wrong with it, and nothing is redirected.
    Page(String),
    /// An error at the client's redirect URI.
    Client(String),
    /// The facts, and the decision they lead to, for a browser that is signed in nowhere.
    Decision(Box<Facts>, Decision),
}

/// Explains the query of an authorization request.
///
/// # Errors
/// [`Failure`].
pub async fn explain(env: &Env, query: &str) -> Result<Explanation, Failure> {
    let params = match Params::parse(query) {
        Ok(params) => params,
        Err(error) => return Ok(Explanation::Page(error.to_string())),
    };
    let client_id = params.get("client_id").unwrap_or_default();
    let Some(client) = env.configuration.client(&env.store, client_id).await? else {
        return Ok(Explanation::Page(format!("no client has the client_id {client_id:?}")));
    };
    if client.redirect_uri(params.get("redirect_uri").unwrap_or_default()).is_err() {
        return Ok(Explanation::Page("the redirect_uri is not one of the client's".to_owned()));
    }
    let request = match authorize::parse(&params) {
        Ok(request) => request,
        Err(error) => return Ok(Explanation::Client(error.to_string())),
    };
    let nobody = Browser { binding: SecretHash::of(b""), sessions: Vec::new(), origin: Origin::default() };
    match gather(env, &request, (&client, None), &nobody).await? {
        Ok(known) => {
            let decision = resolve(&known.facts);
            Ok(Explanation::Decision(Box::new(known.facts), decision))
        }
        Err(error) => Ok(Explanation::Client(error.to_string())),
    }
}
