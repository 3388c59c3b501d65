//! What a client was granted, and what it is told for it.

use serde_json::{Map, Value, json};

use crate::{identity_providers::SampleUser, timestamp::Timestamp};

/// A sign-in, for one client.
#[derive(Debug)]
pub(super) struct Grant {
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) scope: String,
    pub(super) nonce: Option<String>,
    pub(super) code_challenge: String,
    pub(super) user: SampleUser,
    pub(super) sid: String,
    pub(super) authenticated_at: Timestamp,
}

impl Grant {
    /// What the scope gives of the user (OIDC Core §5.4). The groups are part of every answer.
    pub(super) fn user_claims(&self) -> Map<String, Value> {
        let user = &self.user;
        let (given_name, family_name) = user.names();
        let mut claims = Map::from_iter([
            ("sub".to_owned(), json!(user.username)),
            ("groups".to_owned(), json!(user.groups)),
        ]);
        if self.has_scope("email") {
            claims.insert("email".to_owned(), json!(user.email));
            claims.insert("email_verified".to_owned(), json!(true));
        }
        if self.has_scope("profile") {
            claims.insert("name".to_owned(), json!(user.name));
            claims.insert("given_name".to_owned(), json!(given_name));
            claims.insert("family_name".to_owned(), json!(family_name));
        }
        claims
    }

    /// OIDC Core §2.
    pub(super) fn id_token_claims(&self, issuer: &str, lifetime_secs: u64) -> Map<String, Value> {
        let now = Timestamp::now().0;
        let mut claims = self.user_claims();
        claims.extend([
            ("iss".to_owned(), json!(issuer)),
            ("aud".to_owned(), json!(self.client_id)),
            ("iat".to_owned(), json!(now)),
            ("exp".to_owned(), json!(now + lifetime_secs)),
            ("auth_time".to_owned(), json!(self.authenticated_at.0)),
            ("sid".to_owned(), json!(self.sid)),
        ]);
        claims.extend(self.nonce.as_ref().map(|nonce| ("nonce".to_owned(), json!(nonce))));
        claims
    }

    fn has_scope(&self, name: &str) -> bool {
        self.scope.split(' ').any(|scope| scope == name)
    }
}
