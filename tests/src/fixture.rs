//! Two organizations, and what people leave in them: valid by default, written through the store.

use chrono::{DateTime, Duration, Utc};
use orgate_domain::audit::{Action, Actor, Event, Origin, Outcome};
use orgate_domain::clients::{Audience, Client};
use orgate_domain::credentials::SecretHash;
use orgate_domain::email::{DomainName, Email};
use orgate_domain::ids::{
    AuthorizationRequestId, DeviceRequestId, DomainId, EventId, GrantId, GroupId, MessageId, OrgId,
    RegistrationTokenId, RoleId, SessionId, UserId,
};
use orgate_domain::names::{DisplayName, Slug};
use orgate_domain::policies::PolicySettings;
use orgate_domain::resolution::Reason;
use orgate_domain::sessions::{Session, SignInMethod};
use orgate_domain::tokens::AuthorizationCode;
use orgate_flows::{Clock as _, SystemClock};
use orgate_protocol::jose::{SigningAlgorithm, SigningKey};
use orgate_protocol::oauth::authorize::ResponseMode;
use orgate_protocol::oauth::pkce::CodeChallenge;
use orgate_protocol::oauth::{ClaimsRequest, ScopeSet};
use orgate_storage::{
    Group, NewAuthorizationRequest, NewCode, NewDiscoveryChallenge, NewMessage, NewOrganization, NewSession,
    NewSigningKey, NewUser, OrgScope, OrgTx, Role, Store, UpstreamEnd,
};
use uuid::Uuid;

use crate::database::Database;

mod clients;
mod new;
pub mod signals;

pub use clients::REVOKED;
pub use new::{api_key, new_challenge, new_device, new_grant};

/// Where tokens say they come from.
pub const ISSUER: &str = "https://id.example.test";

/// A database with two organizations.
#[derive(Debug)]
pub struct Fixture {
    /// One.
    pub acme: Org,
    /// The other, which is never the one that a test is about, so that it sees what leaks.
    pub globex: Org,
    /// With a pool large enough for a race.
    pub store: Store,
    /// Kept last: it is dropped when the store is.
    pub database: Database,
}

impl Fixture {
    /// On a database of its own.
    pub async fn new() -> Self {
        let database = Database::fresh().await;
        let store = database.store();
        let (acme, globex) = (Org::found(&store, "acme").await, Org::found(&store, "globex").await);
        Self { acme, globex, store, database }
    }
}

/// An organization, in which people do things.
#[derive(Debug, Clone)]
pub struct Org {
    /// The way in.
    pub scope: OrgScope,
    /// Its slug.
    pub slug: Slug,
    store: Store,
}

/// A user with a proven address.
#[derive(Debug, Clone)]
pub struct Member {
    /// Their id.
    pub id: UserId,
    /// Their address.
    pub email: Email,
    /// What discovery looks the address up by.
    pub email_hash: SecretHash,
}

/// A session, and the hashes of its browser's cookies.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The session.
    pub session: Session,
    /// What the browser proves it by.
    pub token: SecretHash,
    /// What the browser is known by.
    pub browser: SecretHash,
}

/// A code that waits to be redeemed.
#[derive(Debug, Clone)]
pub struct Issued {
    /// What it is looked up by.
    pub hash: SecretHash,
    /// What it stands for.
    pub code: AuthorizationCode,
}

/// A code redeemed.
#[derive(Debug, Clone)]
pub struct Granted {
    /// The family.
    pub id: GrantId,
    /// Its first refresh token.
    pub refresh_token: SecretHash,
}

/// One of each thing that a sign-in leaves behind.
#[derive(Debug)]
pub struct Everything {
    /// A role.
    pub role: Role,
    /// A user who has it.
    pub user: Member,
    /// A client of the organization's own.
    pub client: Client,
    /// The user's session.
    pub signed_in: SignedIn,
    /// A request that waits.
    pub request: NewAuthorizationRequest,
    /// A device that waits, and the hash of what it polls with.
    pub device: (DeviceRequestId, SecretHash),
    /// A challenge to prove an address in it.
    pub challenge: NewDiscoveryChallenge,
    /// A code that waits.
    pub code: Issued,
    /// A code redeemed.
    pub grant: Granted,
    /// A message that waits.
    pub message: MessageId,
    /// A domain that is proven.
    pub domain: DomainName,
    /// A signing key that is current.
    pub kid: String,
    /// An account that failed to sign in once.
    pub account: SecretHash,
    /// A token that registers clients.
    pub registration_token: RegistrationTokenId,
    /// A group that the user is in, inside of another that gives the role.
    pub group: GroupId,
}

/// Now, as the database keeps it.
pub fn now() -> DateTime<Utc> {
    SystemClock.now()
}

/// A new id's.
pub fn uuid() -> Uuid {
    Uuid::now_v7()
}

/// The hash of a secret that nobody knows.
pub fn hash() -> SecretHash {
    SecretHash::of(uuid().as_bytes())
}

/// A name for people.
pub fn name(text: &str) -> DisplayName {
    DisplayName::parse(text).expect("a name")
}

/// An event, of a success unless changed.
pub fn event(action: Action) -> Event {
    Event {
        id: EventId::from_uuid(uuid()),
        occurred_at: now(),
        action,
        outcome: Outcome::Success,
        reason: None,
        actor: Actor::System,
        user_id: None,
        session_id: None,
        client: None,
        origin: Origin::default(),
        detail: Vec::new(),
    }
}

impl Org {
    /// Makes an organization.
    pub async fn found(store: &Store, slug: &str) -> Self {
        let scope = store.found(OrgId::from_uuid(uuid())).await.expect("a new id");
        let slug = Slug::parse(slug).expect("a slug");
        let org = Self { scope, slug, store: store.clone() };
        let name = name(org.slug.as_str());
        let new =
            NewOrganization { slug: &org.slug, name: &name, parent: None, is_operator: false, at: now() };
        let mut tx = org.begin().await;
        tx.organization().insert(&new).await.expect("an organization");
        commit(tx).await;
        org
    }

    /// Its id.
    pub fn id(&self) -> OrgId {
        self.scope.org_id()
    }

    /// Opens its transaction.
    pub async fn begin(&self) -> OrgTx {
        self.store.begin(&self.scope).await.expect("a transaction")
    }

    /// One of each.
    pub async fn everything(&self) -> Everything {
        let (role, user) = (self.role("admin").await, self.user("alice").await);
        self.assign(&user, &role).await;
        let client = self.client(&format!("{}-notes", self.slug), Audience::Owner).await;
        let signed_in = self.sign_in(&user, &client).await;
        let request = self.authorization_request(&client).await;
        let challenge = self.challenge(&request).await;
        let redeemed = self.code(&signed_in, &client).await;
        self.spent(&client, &role).await;
        self.consent(user.id, &client).await;
        let registration_token = self.registration(&client).await;
        let group = self.group(&user, &role).await;
        Everything {
            grant: self.redeem(&redeemed).await,
            code: self.code(&signed_in, &client).await,
            message: self.message().await,
            domain: self.domain().await,
            kid: self.keys().await,
            account: self.failure().await,
            device: self.device(&client).await,
            role,
            user,
            client,
            signed_in,
            request,
            challenge,
            registration_token,
            group,
        }
    }

    /// A role with permissions.
    pub async fn role(&self, slug: &str) -> Role {
        let role = Role {
            id: RoleId::from_uuid(uuid()),
            slug: Slug::parse(slug).expect("a slug"),
            name: name(slug),
            permissions: ["notes:read".to_owned(), "notes:write".to_owned()].into(),
        };
        let mut tx = self.begin().await;
        tx.roles().save(&role, now()).await.expect("a role");
        commit(tx).await;
        role
    }

    /// A user with a proven address and a password that nobody knows.
    pub async fn user(&self, local_part: &str) -> Member {
        let email = Email::parse(&format!("{local_part}@{}.test", self.slug)).expect("an address");
        let member = Member {
            id: UserId::from_uuid(uuid()),
            email_hash: SecretHash::of(email.normalized().as_bytes()),
            email,
        };
        let name = name(local_part);
        let verified = Some(member.email_hash);
        let new = NewUser { id: member.id, email: &member.email, verified, name: &name, at: now() };
        let mut tx = self.begin().await;
        tx.users().insert(&new).await.expect("a user");
        tx.users().save_password(member.id, "$argon2id$…", now()).await.expect("a password");
        commit(tx).await;
        member
    }

    /// Gives the user this role and no other.
    pub async fn assign(&self, user: &Member, role: &Role) {
        let mut tx = self.begin().await;
        tx.users().replace_roles(user.id, &[role.id], now()).await.expect("an assignment");
        commit(tx).await;
    }

    /// A group with the user in it, inside of one with the role.
    pub async fn group(&self, user: &Member, role: &Role) -> GroupId {
        let group = |slug: &str| Group {
            id: GroupId::from_uuid(uuid()),
            slug: Slug::parse(slug).expect("a slug"),
            name: name(slug),
            roles: [].into(),
            parents: [].into(),
            inherited: [].into(),
        };
        let all = Group { roles: [(role.slug.clone(), role.id)].into(), ..group("all") };
        let few = Group { parents: [(all.slug.clone(), all.id)].into(), ..group("few") };
        let mut tx = self.begin().await;
        for group in [&all, &few] {
            assert!(tx.groups().save(group, now()).await.expect("a group").is_some());
        }
        tx.groups().insert_member(few.id, user.id).await.expect("a member");
        commit(tx).await;
        few.id
    }

    /// A session that just began.
    pub async fn sign_in(&self, user: &Member, client: &Client) -> SignedIn {
        let session = Session {
            id: SessionId::from_uuid(uuid()),
            org_id: self.id(),
            user_id: user.id,
            auth_time: now(),
            amr: vec!["pwd".to_owned()],
            method: SignInMethod::Password,
            last_seen_at: now(),
            expires_at: now() + Duration::days(7),
            ended_at: None,
        };
        let signed_in = SignedIn { session, token: hash(), browser: hash() };
        self.begin_session(&signed_in, client, None).await;
        signed_in
    }

    /// Answers a request of `client` with the session.
    pub async fn begin_session(&self, signed_in: &SignedIn, client: &Client, upstream: Option<&UpstreamEnd>) {
        let request = self.authorization_request(client).await;
        let new = NewSession {
            session: &signed_in.session,
            ends_by: None,
            token: signed_in.token,
            browser: signed_in.browser,
            origin: &Origin::default(),
            upstream,
        };
        let mut tx = self.begin().await;
        assert!(tx.sessions().begin(request.id, &new, now()).await.expect("a session"), "nobody was first");
        commit(tx).await;
    }

    /// A request that waits for a person.
    pub async fn authorization_request(&self, client: &Client) -> NewAuthorizationRequest {
        let new = NewAuthorizationRequest {
            consent_session: None,
            id: AuthorizationRequestId::from_uuid(uuid()),
            handle: hash(),
            browser: hash(),
            client_owner: client.owner,
            client_id: client.id,
            resolved_by: Some(Reason::Parameter),
            proven_address: None,
            expected_user: None,
            redirect_uri: redirect_uri_of(client),
            response_mode: ResponseMode::Query,
            scope: scope(),
            state: Some("state".to_owned()),
            nonce: Some("nonce".to_owned()),
            code_challenge: Some(CodeChallenge::from_bytes(*hash().as_bytes())),
            resource: None,
            dpop_jkt: None,
            pushed: None,
            prompt: [].into(),
            max_age: None,
            claims: ClaimsRequest::default(),
            acr_values: Vec::new(),
            login_hint: None,
            ui_locales: Vec::new(),
            device: None,
            created_at: now(),
            expires_at: now() + Duration::minutes(30),
        };
        let mut tx = self.begin().await;
        tx.authorization_requests().insert(&new).await.expect("a request");
        commit(tx).await;
        new
    }

    /// A device of `client` that waits for somebody, and the hash of what it polls with.
    pub async fn device(&self, client: &Client) -> (DeviceRequestId, SecretHash) {
        let (id, code) = (DeviceRequestId::from_uuid(uuid()), hash());
        let mut tx = self.begin().await;
        let kept = tx.device_requests().insert(&new_device(client, (id, code, hash()))).await;
        assert!(kept.expect("a device"), "the code is free");
        commit(tx).await;
        (id, code)
    }

    /// A challenge that was mailed to somebody, with five tries.
    pub async fn challenge(&self, request: &NewAuthorizationRequest) -> NewDiscoveryChallenge {
        let new = new_challenge(request.id, hash());
        let mut tx = self.begin().await;
        let made = tx.discovery_challenges().insert(&new, 3, now() - Duration::minutes(15)).await;
        assert!(made.expect("a challenge"), "within the limit");
        commit(tx).await;
        new
    }

    /// A code that was just issued.
    pub async fn code(&self, signed_in: &SignedIn, client: &Client) -> Issued {
        let code = AuthorizationCode {
            grant_id: GrantId::from_uuid(uuid()),
            user_id: signed_in.session.user_id,
            session_id: signed_in.session.id,
            client_owner: client.owner,
            client_id: client.id,
            redirect_uri: redirect_uri_of(client),
            code_challenge: Some(CodeChallenge::from_bytes(*hash().as_bytes())),
            resource: None,
            dpop_jkt: None,
            issuer: None,
            scope: scope(),
            claims: ClaimsRequest::default(),
            nonce: None,
            expires_at: now() + Duration::minutes(1),
        };
        let hash = hash();
        let mut tx = self.begin().await;
        let new = NewCode { hash, code: &code, pushed: None };
        assert!(
            tx.codes().issue(&new, &event(Action::AuthorizationIssued)).await.expect("a code"),
            "a live session"
        );
        commit(tx).await;
        Issued { hash, code }
    }

    /// Redeems a code for a family with a refresh token.
    pub async fn redeem(&self, issued: &Issued) -> Granted {
        let refresh_token = hash();
        let grant = new_grant(&issued.code, refresh_token);
        let mut tx = self.begin().await;
        let done = tx.codes().redeem(&issued.hash, &grant, &event(Action::CodeRedeemed)).await;
        assert!(done.expect("a redemption"), "nobody was first");
        commit(tx).await;
        Granted { id: issued.code.grant_id, refresh_token }
    }

    /// A message that is due.
    pub async fn message(&self) -> MessageId {
        let id = MessageId::from_uuid(uuid());
        let new = NewMessage { id, kind: "discovery_mail", payload: b"sealed", at: now() };
        let mut tx = self.begin().await;
        tx.outbox().insert(&new).await.expect("a message");
        commit(tx).await;
        id
    }

    /// A domain, proven.
    pub async fn domain(&self) -> DomainName {
        let domain = DomainName::parse(&format!("{}.test", self.slug)).expect("a domain");
        let mut tx = self.begin().await;
        tx.domains().save_vouched(DomainId::from_uuid(uuid()), &domain, now()).await.expect("nobody's yet");
        commit(tx).await;
        domain
    }

    /// A data key, a signing key, whose name this is, and rules.
    pub async fn keys(&self) -> String {
        let kid = uuid().to_string();
        let key = SigningKey::generate(SigningAlgorithm::Es256).expect("a key");
        let new = NewSigningKey {
            kid: &kid,
            algorithm: SigningAlgorithm::Es256,
            private_key: b"sealed",
            public_jwk: &key.public_jwk(),
            created_at: now(),
            promoted_at: Some(now()),
        };
        let mut tx = self.begin().await;
        tx.keys().insert_data_key(b"wrapped", now()).await.expect("a data key");
        tx.keys().insert_signing_key(&new).await.expect("a signing key");
        tx.organization().save_policy(&PolicySettings::default(), now()).await.expect("rules");
        commit(tx).await;
        kid
    }

    /// An account that failed to sign in.
    pub async fn failure(&self) -> SecretHash {
        let account = hash();
        let mut tx = self.begin().await;
        tx.sign_ins().take_try(&account, 10, now(), Duration::minutes(15)).await.expect("a try");
        commit(tx).await;
        account
    }
}

async fn commit(tx: OrgTx) {
    tx.commit().await.expect("a commit");
}

fn scope() -> ScopeSet {
    ScopeSet::parse("openid offline_access").expect("a scope")
}

fn redirect_uri_of(client: &Client) -> String {
    client.redirect_uris.first().expect("one").as_str().to_owned()
}
