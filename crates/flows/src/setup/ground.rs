//! What the link of an administrator's own stands on.

use orgate_domain::clients::{ADMINISTRATION, Party};
use orgate_domain::ids::{ClientId, OrgId, SessionId, UserId};
use orgate_domain::policies::Policy;
use orgate_storage::{OrgScope, OrgTx, StorageError};

use crate::{Env, Failure};

/// What the link of an administrator's own stands on, beside what is in its organization's tables. Read before the transaction in
/// which it is asked: one request that holds two of the database's connections could wait for others like it.
#[derive(Debug)]
pub(crate) struct Ground {
    policy: Policy,
    /// The application that administrators sign in to.
    administration: Option<(OrgId, ClientId)>,
}

impl Ground {
    pub(super) async fn of(env: &Env, scope: &OrgScope) -> Result<Self, Failure> {
        let client = env.configuration.client(&env.store, ADMINISTRATION).await?;
        Ok(Self {
            policy: env.configuration.policy(&env.store, scope).await?,
            administration: client.map(|client| client.key()),
        })
    }

    /// What a user holds in this session, as long as that would let them into the administration; nothing after.
    pub(super) async fn find_held(
        &self,
        env: &Env,
        tx: &mut OrgTx,
        (user, session): (UserId, SessionId),
    ) -> Result<Vec<String>, StorageError> {
        let (Some(client), now) = (self.administration, env.clock.now()) else { return Ok(Vec::new()) };
        let standing = tx.sessions().find_standing(session, client).await?;
        let standing = standing.filter(|standing| {
            standing.session.user_id == user && standing.check(&self.policy, Party::First, now).is_ok()
        });
        let Some(standing) = standing else { return Ok(Vec::new()) };
        // By tokens, which may outlive what the browser is signed in by.
        let is_in =
            now < standing.session.expires_at || tx.grants().is_renewable(session, client, now).await?;
        Ok(if is_in { standing.permissions } else { Vec::new() })
    }
}
