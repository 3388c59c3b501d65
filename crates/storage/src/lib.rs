//! Postgres: the only crate that speaks SQL.
//!
//! **Invariant:** a query that touches an organization's data runs inside an [`OrgTx`], which only
//! an [`OrgScope`] can open, or is one of the two questions of `standings`, which need a scope as well and take its
//! organization for themselves; it says `org_id` itself, and row-level security says it again (ADR 0002). What must cross organizations goes through [`system`], one [`system::SystemReason`]
//! each.
//!
//! A scope cannot be made up:
//!
//! ```compile_fail
//! let org_id = orgate_domain::ids::OrgId::from_uuid(uuid::Uuid::nil());
//! let scope = orgate_storage::OrgScope { org_id };
//! ```
//!
//! nor can an organization's data be reached without one:
//!
//! ```compile_fail
//! async fn all_users(store: &orgate_storage::Store) {
//!     store.users().find_by_email("alice@acme.test").await;
//! }
//! ```

mod error;
mod page;
mod pool;
mod row;
mod scope;
pub mod system;
mod transaction;

mod api_keys;
mod attributes;
mod audit;
mod authorization_requests;
mod clean;
mod clients;
mod codes;
mod connection_keys;
mod connections;
mod consents;
mod consumed_ids;
mod delegations;
mod device_requests;
mod discovery;
mod domains;
mod event_positions;
mod event_streams;
mod grants;
mod groups;
mod idempotency;
mod identities;
mod invitations;
mod join_requests;
mod joining;
mod keys;
mod mail_templates;
mod organizations;
mod outbox;
mod pushed_requests;
mod quotas;
mod recovery_codes;
mod refreshes;
mod registrations;
mod rights;
mod role_blueprints;
mod roles;
mod sessions;
mod setup_links;
mod sign_in;
mod signals;
mod standings;
mod statistics;
mod stream_events;
mod upstream;
mod users;
mod webhook_deliveries;
mod webhooks;

pub use api_keys::{ApiKeys, KeyRoom, NewApiKey, StandingApiKey};
pub use attributes::AttributeSets;
pub use audit::{AuditEvents, EventFilter, EventPlace, InvalidPlace, Period, Sifted, StoredEvent};
pub use authorization_requests::{
    AuthorizationRequests, ForDevice, NewAuthorizationRequest, StoredAuthorizationRequest,
};
pub use clients::{ClientChange, Clients, DeclaringClient, ListedClient};
pub use codes::{Codes, NewCode, RedeemableCode};
pub use connection_keys::{ConnectionKeys, KeyPurpose, KeyState, StoredConnectionKey};
pub use connections::{
    Authorship, Connection, ConnectionCondition, ConnectionVersion, Connections, LastTrace,
    NewConnectionVersion, VersionSummary,
};
pub use consents::Consents;
pub use consumed_ids::{ConsumedIds, ConsumedKind};
pub use delegations::{Delegation, Delegations};
pub use device_requests::{DeviceRequests, NewDeviceRequest};
pub use discovery::{DiscoveryChallenge, DiscoveryChallenges, NewDiscoveryChallenge, ProvenAddress};
pub use domains::{DomainTerms, Domains, Transfer};
pub use error::StorageError;
pub use event_positions::{EventCursor, EventPositions, Followed, FollowedEvent, Following, InvalidCursor};
pub use event_streams::{EventStream, EventStreams, Excluded, Holder, Pushed, StreamTerms};
pub use grants::{AssertedGrant, Grants, LiveGrant, NewGrant, PresentedRefreshToken, Rotation};
pub use groups::{Group, Groups, MAX_ANCESTORS, Member};
pub use idempotency::{Answered, IdempotencyKeys};
pub use identities::{
    AtRisk, FederatedUser, Identities, IdentityKey, NewFederatedUser, OwnConnection, OwnIdentity,
    RiskQuestion,
};
pub use invitations::{Invitations, NewInvitation, NewInvitationLink};
pub use join_requests::{JoinRequests, NewJoinRequest, Settled, StoredJoinRequest};
pub use joining::JoiningRules;
pub use keys::{Handover, Keys, NewSigningKey, StoredSigningKey};
pub use mail_templates::MailTemplates;
pub use organizations::{
    EXTERNAL_ID_OF_ORGANIZATION, Erasure, MAX_LINE, Moved, Neighbours, NewOrganization, OrganizationChange,
    OrganizationRecord, Organizations,
};
pub use outbox::{NewMessage, Outbox, WaitingMessage};
pub use page::{MAX_PAGE, Page, PageOf};
pub use pool::{PoolSettings, Store};
pub use pushed_requests::{PushedAuthorizationRequest, PushedRequests};
pub use quotas::Quotas;
pub use recovery_codes::RecoveryCodes;
pub use refreshes::{Refresh, Refreshes};
pub use registrations::{
    DocumentBounds, KeptDocument, ListedRegistrationToken, NewClientDocument, NewRegistration,
    NewRegistrationToken, Registrations,
};
pub use rights::{HeldRights, Rights};
pub use role_blueprints::{RoleBlueprint, RoleBlueprints};
pub use roles::{Role, Roles};
pub use scope::{OrgScope, OrgTx};
pub use sessions::{CountedSessions, NewSession, OpenSession, Sessions, UpstreamEnd};
pub use setup_links::{NewSetupLink, SetupLinks};
pub use sign_in::{Account, SignIns};
pub use signals::{Affected, Signal, SignalledEvent, Signals, SignedInUser};
pub use standings::StandingGrant;
pub use statistics::{Counted, Counting, SignInCount, Statistics, Tallied};
pub use stream_events::{NewStreamEvent, StreamEvent, StreamEvents, Waiting};
pub use upstream::{
    NewTrace, StoredTrace, StoredUpstreamRequest, Upstream, UpstreamPurpose, UpstreamRequest,
};
pub use users::{
    BroughtUser, DescribedUser, EXTERNAL_ID_OF_USER, IndexedAddress, ListedUser, NewUser, OwnRecord,
    StoredUser, UserSearch, Users,
};
pub use webhook_deliveries::{Attempt, DeliveryKey, DeliveryStatus, WebhookDeliveries, WebhookDelivery};
pub use webhooks::{
    NewWebhook, Progress, Webhook, WebhookScope, WebhookSecrets, WebhookStatus, WebhookTerms, Webhooks,
};
