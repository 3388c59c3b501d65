//! Why an authorization request would be resolved as it would: the same facts, the same decision,
//! nothing stored.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orgate_domain::audit::Origin;
use orgate_domain::clients::Client;
use orgate_domain::credentials::SecretHash;
use orgate_domain::ids::OrgId;
use orgate_domain::names::Slug;
use orgate_domain::resolution::{Decision, Facts, Named, resolve};
use orgate_protocol::params::Params;
use orgate_storage::OrgScope;
use orgate_storage::system::OrgHint;

use crate::authorize::{RefusedBecause, check_request, gather, refusal};
use crate::{Browser, Env, Failure};

/// What would become of a request.
#[derive(Debug)]
pub enum Explanation {
    /// A page: this is wrong with it, and nothing is redirected.
    Page(String),
    /// An error at the client's redirect URI.
    Client(String),
    /// The facts, and where they lead a browser that is signed in nowhere.
    Decision(Box<Explained>),
}

/// What the decision rests on, and what comes of it.
#[derive(Debug)]
pub struct Explained {
    /// The facts.
    pub facts: Facts,
    /// The decision.
    pub decision: Decision,
    /// Why the organization that was decided cannot be signed in to, if it cannot.
    pub refused: Option<RefusedBecause>,
    /// The slugs of the organizations in the facts.
    pub slugs: BTreeMap<OrgId, Slug>,
}

/// Explains the query of an authorization request to an issuer: the shared one, or an organization's.
///
/// # Errors
/// [`Failure`].
pub async fn explain(env: &Env, query: &str, called: Option<OrgId>) -> Result<Explanation, Failure> {
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
    let request = match check_request(&client, &params) {
        Ok(request) => request,
        Err(error) => return Ok(Explanation::Client(error.to_string())),
    };
    let nobody = Browser {
        binding: SecretHash::of(b""),
        sessions: Vec::new(),
        misplaced: Vec::new(),
        origin: Origin::default(),
    };
    match gather(env, &request, (&client, called), &nobody).await? {
        Ok(known) => Ok(Explanation::Decision(Box::new(explained(env, &client, known.facts).await?))),
        Err(error) => Ok(Explanation::Client(error.to_string())),
    }
}

async fn explained(env: &Env, client: &Arc<Client>, facts: Facts) -> Result<Explained, Failure> {
    let decision = resolve(&facts);
    let parameter = match facts.parameter {
        Named::Organization(org_id) => Some(org_id),
        Named::Nothing | Named::Unknown => None,
    };
    let named =
        [facts.host, facts.client, parameter, facts.id_token_hint, facts.domain_hint, facts.login_hint];
    let mut slugs = BTreeMap::new();
    let mut refused = None;
    for org_id in named.into_iter().flatten().collect::<BTreeSet<_>>() {
        let resolved = env.store.resolve(OrgHint::Id(org_id)).await?;
        if matches!(decision, Decision::Organization { org_id: decided, .. } if decided == org_id) {
            refused = match &resolved {
                Some(resolved) => refusal_in(env, client, &resolved.scope).await?,
                None => Some(RefusedBecause::OrganizationUnavailable),
            };
        }
        slugs.extend(resolved.map(|resolved| (org_id, resolved.slug)));
    }
    Ok(Explained { facts, decision, refused, slugs })
}

/// What the authorization endpoint would hold against this organization or this client in it.
async fn refusal_in(
    env: &Env,
    client: &Arc<Client>,
    scope: &OrgScope,
) -> Result<Option<RefusedBecause>, Failure> {
    let policy = env.configuration.policy(&env.store, scope).await?;
    let mut tx = env.store.begin(scope).await?;
    let (organization, admission) = tx.organization().find_with(client.key()).await?;
    tx.commit().await?;
    Ok(refusal(client, &policy, (organization, admission)).map(|refused| refused.why))
}
