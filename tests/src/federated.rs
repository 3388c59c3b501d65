//! What sign-ins through an identity provider leave behind.

use chrono::Duration;
use orgate_domain::audit::Actor;
use orgate_domain::connections::{
    Attributes, ConnectionProtocol, ConnectionSettings, ConnectionState, Vendor,
};
use orgate_domain::credentials::SecretHash;
use orgate_domain::domains::VerifiedDomain;
use orgate_domain::email::{DomainName, Email};
use orgate_domain::ids::{
    ClientId, ConnectionId, ConnectionKeyId, GroupId, InvitationId, JoinRequestId, OrgId, RoleId,
    SetupLinkId, TraceId,
};
use orgate_domain::invitations::InvitationBasis;
use orgate_domain::names::Slug;
use orgate_domain::sessions::SignInMethod;
use orgate_domain::setup::{DEFAULT_LIFETIME, SetupLink, SetupPurpose};
use orgate_storage::{
    Authorship, Connection, IdentityKey, KeyPurpose, KeyState, NewAuthorizationRequest, NewConnectionVersion,
    NewInvitation, NewJoinRequest, NewTrace, Refresh, StoredConnectionKey, UpstreamEnd, UpstreamPurpose,
    UpstreamRequest,
};
use serde_json::Value;

use crate::fixture::{Everything, Org, SignedIn, hash, name, now, uuid};

/// One of each thing.
#[derive(Debug)]
pub struct Federated {
    /// A connection that is live.
    pub connection: Connection,
    /// Its settings.
    pub settings: ConnectionSettings,
    /// A key of it, in the place of the next signing key.
    pub key: StoredConnectionKey,
    /// Who its pilot lists.
    pub pilot: Email,
    /// Who the user is there.
    pub subject: String,
    /// A browser that was sent there.
    pub upstream: UpstreamRequest,
    /// What its session is called there.
    pub sid: String,
    /// An assertion that was taken.
    pub assertion: String,
    /// What came of it.
    pub trace: TraceId,
    /// A recovery code.
    pub recovery: SecretHash,
    /// An invitation, the hash of its secret, and to whom it is.
    pub invitation: (InvitationId, SecretHash, Email),
    /// A request to join, the hash of its secret, and whose it is.
    pub join_request: (JoinRequestId, SecretHash, Email),
}

/// A request to join with this id and secret, of this address.
pub fn new_join_request(
    (id, token, email): &(JoinRequestId, SecretHash, Email),
    client: (OrgId, ClientId),
) -> NewJoinRequest<'_> {
    NewJoinRequest {
        id: *id,
        token: *token,
        email,
        source: hash(),
        name: None,
        message: None,
        client,
        at: now(),
        expires_at: now() + Duration::days(1),
    }
}

/// Settings of an OpenID provider.
pub fn settings() -> ConnectionSettings {
    let text = r#"{"provider":{"oidc":{"issuer":"https://idp.example.test","client_id":"orgate"}}}"#;
    serde_json::from_str(text).expect("settings")
}

/// A browser that is sent to an identity provider for `request`.
pub fn upstream_request(connection: &Connection, request: &NewAuthorizationRequest) -> UpstreamRequest {
    UpstreamRequest {
        state: hash(),
        connection_id: connection.id,
        version: 1,
        purpose: UpstreamPurpose::SignIn(request.handle),
        browser: hash(),
        derived_by: Vec::new(),
        created_at: now(),
        expires_at: now() + Duration::minutes(15),
    }
}

/// The operator's word.
pub const BY: Authorship<'_> = Authorship { actor: Actor::Operator, role_ceiling: None, changed: &[] };

/// A set-up link, and the hash of its secret.
pub fn setup_link() -> (SetupLink, SecretHash) {
    let link = SetupLink {
        id: SetupLinkId::from_uuid(uuid()),
        purposes: SetupPurpose::ALL.into(),
        role_ceiling: ["viewer".to_owned()].into(),
        created_by: "operator".to_owned(),
        created_at: now(),
        expires_at: now() + DEFAULT_LIFETIME,
        session: None,
        revoked_at: None,
        last_used_at: None,
    };
    (link, hash())
}

/// An invitation with this id and secret, to this address, that gives these roles and groups.
pub fn new_invitation<'a>(
    (id, token, email): &'a (InvitationId, SecretHash, Email),
    (roles, groups): (&'a [RoleId], &'a [GroupId]),
) -> NewInvitation<'a> {
    NewInvitation {
        id: *id,
        token: *token,
        email,
        name: None,
        locale: None,
        client: None,
        roles,
        groups,
        expires_at: now() + Duration::days(7),
        by: InvitationBasis::Invited,
    }
}

/// A key in the place of the next one.
pub fn next_key(purpose: KeyPurpose) -> StoredConnectionKey {
    StoredConnectionKey {
        id: ConnectionKeyId::from_uuid(uuid()),
        purpose,
        state: KeyState::Next,
        private_key: b"sealed".to_vec(),
        certificate: b"certificate".to_vec(),
        created_at: now(),
        expires_at: now() + Duration::days(365),
    }
}

impl Org {
    /// A live connection that serves a domain.
    pub async fn connection(&self, domain: &DomainName) -> Connection {
        let connection = Connection {
            id: ConnectionId::from_uuid(uuid()),
            slug: Slug::parse("okta").expect("a slug"),
            name: name("Okta"),
            vendor: Vendor::Okta,
            protocol: ConnectionProtocol::Oidc,
            state: ConnectionState::Active,
            position: 0,
            icon_url: None,
            live_version: Some(1),
            tested_version: Some(1),
            latest_version: 1,
            domains: vec![VerifiedDomain { name: domain.clone(), subdomains: false }],
        };
        let (id, settings) = (connection.id, settings());
        let mut tx = self.begin().await;
        let kind = (&connection.slug, connection.protocol);
        let made = tx.connections().insert(id, kind, (&connection.name, connection.vendor), now()).await;
        made.expect("a connection");
        let version = NewConnectionVersion {
            version: 1,
            settings: &settings,
            secrets: Some(b"sealed"),
            at: now(),
            by: BY,
        };
        tx.connections().insert_version(id, &version).await.expect("a version");
        tx.connections().update(&connection, now()).await.expect("live");
        tx.connections().replace_domains(id, std::slice::from_ref(domain)).await.expect("its domain");
        tx.commit().await.expect("a commit");
        connection
    }

    /// One of each.
    pub async fn federated(&self, made: &Everything) -> Federated {
        let connection = self.connection(&made.domain).await;
        let id = connection.id;
        let pilot = Email::parse(&format!("pilot@{}", made.domain)).expect("an address");
        let (subject, sid) = ("subject of alice".to_owned(), "session there".to_owned());
        let (upstream, key) = (upstream_request(&connection, &made.request), next_key(KeyPurpose::Signing));
        let (assertion, trace) = ("_assertion".to_owned(), TraceId::from_uuid(uuid()));
        let recovery = hash();
        let invited = Email::parse(&format!("invited@{}", made.domain)).expect("an address");
        let invitation = (InvitationId::from_uuid(uuid()), hash(), invited);
        let refresh =
            Refresh { due_at: now() + Duration::hours(1), last_error: None, proposed: None, noticed: None };

        let mut tx = self.begin().await;
        tx.connections().replace_pilots(id, std::slice::from_ref(&pilot)).await.expect("a pilot");
        tx.connection_keys().insert(id, &key).await.expect("a key");
        tx.refreshes().save(id, &refresh).await.expect("a schedule");
        let linked = tx
            .identities()
            .save_link(identity(id, &subject), made.user.id, (None, &Attributes::new()), now())
            .await;
        assert!(linked.expect("a link"), "nobody else's");
        let roles = [made.role.slug.to_string()].into();
        tx.identities().replace_mapped((id, made.user.id), &roles, &[].into()).await.expect("a mapped role");
        tx.upstream().insert(&upstream).await.expect("a request");
        let until = now() + Duration::minutes(10);
        tx.upstream().consume_assertion(id, &assertion, until).await.expect("an assertion");
        tx.upstream().insert_trace(&new_trace(id, trace, &Value::Null)).await.expect("a trace");
        tx.recovery_codes().replace(made.user.id, &[recovery], now()).await.expect("a code");
        let (roles, groups) = ([made.role.id], [made.group]);
        let new = new_invitation(&invitation, (&roles, &groups));
        tx.invitations().insert(&[new], ("operator", now())).await.expect("an invitation");
        let asking = Email::parse("asking@acme.test").expect("an address");
        let join_request = (JoinRequestId::from_uuid(uuid()), hash(), asking);
        let new = new_join_request(&join_request, (made.client.owner, made.client.id));
        assert!(tx.join_requests().insert(&new, now()).await.expect("an address"));
        tx.commit().await.expect("a commit");
        let (signed_in, other_end) = vouched_for(id, &made.signed_in, (&subject, &sid));
        self.begin_session(&signed_in, &made.client, Some(&other_end)).await;
        let settings = settings();
        Federated {
            connection,
            settings,
            key,
            pilot,
            subject,
            upstream,
            sid,
            assertion,
            trace,
            recovery,
            invitation,
            join_request,
        }
    }
}

/// Whom the connection of the fixture leads to.
pub const PROVIDER: &str = "https://idp.test";

/// Who somebody is there.
pub const fn identity(connection: ConnectionId, subject: &str) -> IdentityKey<'_> {
    IdentityKey { connection, provider: PROVIDER, subject }
}

/// The session, as the connection's provider vouches for it, and its other end.
pub fn vouched_for(
    connection_id: ConnectionId,
    signed_in: &SignedIn,
    (subject, sid): (&str, &str),
) -> (SignedIn, UpstreamEnd) {
    let mut signed_in = signed_in.clone();
    signed_in.session.method = SignInMethod::Connection(connection_id);
    let sealed = Some(b"sealed".to_vec());
    let identity = Some((PROVIDER.to_owned(), subject.to_owned()));
    (
        signed_in,
        UpstreamEnd { subject: subject.to_owned(), identity, sid: Some(sid.to_owned()), logout: sealed },
    )
}

/// What came of a sign-in.
pub fn new_trace(connection_id: ConnectionId, id: TraceId, trace: &Value) -> NewTrace<'_> {
    NewTrace {
        id,
        connection_id,
        version: 1,
        purpose: "sign_in",
        failed_check: None,
        request_id: None,
        trace,
        at: now(),
    }
}
