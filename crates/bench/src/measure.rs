//! One window of load, and what it cost.

use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::crowd::LISTING;
use crate::load::{Limit, Load, Workload};
use crate::process::{Clock, resident};
use crate::proxy::Proxy;
use crate::server::Server;
use crate::statistics::percentile;

/// Connections that ask at once.
pub(crate) const CONNECTIONS: usize = 8;

/// How often memory is looked at under load.
const SAMPLING: Duration = Duration::from_millis(100);

/// What follows an answer, such as giving a database connection back, is over after this long.
const AFTERMATH: Duration = Duration::from_millis(50);

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    Discovery,
    Jwks,
    RedeemCode,
    Refresh,
    ClientCredentials,
    Introspect,
    Userinfo,
    Authorize,
    SignInPage,
    SignIn,
    SilentSso,
    /// [`Operation::SilentSso`] and [`Operation::RedeemCode`]: one sign-in of somebody who is signed in.
    CodeOnSession,
    /// A page of an organization's users, from the management API.
    ListUsers,
    OidcCallback,
    /// [`Operation::SamlPost`] and [`Operation::SamlFinish`]: one sign-in.
    SamlResponse,
    SamlPost,
    SamlFinish,
    /// Looking after connections. It has no samples of its own.
    Connections,
    BareJson,
    BareSignature,
    /// [`Operation::ClientCredentials`] of another server: npm's `oidc-provider`.
    OidcProvider,
    BareArgon2id,
    BareSamlResponse,
    BareSamlSignature,
}

/// Operations that are measured together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    /// What Orgate does by itself.
    Own,
    /// The management API.
    Api,
    Oidc,
    Saml,
    Connections,
}

/// Where it is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// A server whose database holds few organizations.
    Few,
    /// Few organizations of the many that the database holds.
    FewOfMany,
    /// All of the many.
    Many,
    /// One human's organizations, of the many.
    OneHuman,
    /// The reference handlers.
    Reference,
}

/// One window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// Processor time of the server, in µs an operation.
    pub(crate) server: f64,
    /// Processor time of every process of Postgres, in µs an operation.
    pub(crate) postgres: f64,
    /// In ms.
    pub(crate) p50: f64,
    /// In ms.
    pub(crate) p99: f64,
    pub(crate) per_second: f64,
    /// The server's memory at its highest, in KiB.
    pub(crate) resident: u64,
}

/// Reads what the processes cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Meter {
    pub(crate) clock: Clock,
    /// The postmaster; `None` where no database takes part.
    pub(crate) postgres: Option<u32>,
    /// How many ask at once.
    pub(crate) connections: usize,
}

impl Operation {
    pub(crate) const ALL: [Self; 24] = [
        Self::Discovery,
        Self::Jwks,
        Self::BareJson,
        Self::RedeemCode,
        Self::Refresh,
        Self::ClientCredentials,
        Self::Introspect,
        Self::BareSignature,
        Self::OidcProvider,
        Self::Userinfo,
        Self::SilentSso,
        Self::CodeOnSession,
        Self::Authorize,
        Self::SignInPage,
        Self::SignIn,
        Self::BareArgon2id,
        Self::ListUsers,
        Self::OidcCallback,
        Self::SamlResponse,
        Self::SamlPost,
        Self::SamlFinish,
        Self::BareSamlResponse,
        Self::BareSamlSignature,
        Self::Connections,
    ];

    /// Those that are measured in several places.
    pub(crate) const GROWING: [Self; 6] = [
        Self::RedeemCode,
        Self::Refresh,
        Self::ClientCredentials,
        Self::SignIn,
        Self::SilentSso,
        Self::ListUsers,
    ];

    /// How many ask at once.
    pub(crate) const fn connections(self) -> usize {
        match self {
            Self::ListUsers => LISTING,
            _ => CONNECTIONS,
        }
    }

    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Discovery => "discovery document",
            Self::Jwks => "JWKS",
            Self::RedeemCode => "code redemption",
            Self::Refresh => "refresh rotation",
            Self::ClientCredentials => "client credentials",
            Self::Introspect => "introspection",
            Self::Userinfo => "userinfo",
            Self::Authorize => "GET /authorize, signed out",
            Self::SignInPage => "GET /sign-in",
            Self::SignIn => "POST /sign-in (password)",
            Self::SilentSso => "GET /authorize, silent SSO",
            Self::CodeOnSession => "code and PKCE on a session, both requests",
            Self::ListUsers => "list of users, 32 connections",
            Self::OidcCallback => "OIDC callback",
            Self::SamlResponse => "SAML response, end to end",
            Self::SamlPost => "… POST /acs",
            Self::SamlFinish => "… GET /finish",
            Self::Connections => "metadata of connections",
            Self::BareJson => "*bare axum JSON*",
            Self::BareSignature => "*bare ES256 signature*",
            Self::OidcProvider => "*oidc-provider, client credentials*",
            Self::BareArgon2id => "*bare Argon2id*",
            Self::BareSamlResponse => "*bare SAML validation*",
            Self::BareSamlSignature => "*bare SAML signature*",
        }
    }

    /// The operation that is called so.
    pub(crate) fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.key() == key)
    }

    /// As it is called in the JSON file and in arguments.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Discovery => "discovery",
            Self::Jwks => "jwks",
            Self::RedeemCode => "redeem_code",
            Self::Refresh => "refresh",
            Self::ClientCredentials => "client_credentials",
            Self::Introspect => "introspect",
            Self::Userinfo => "userinfo",
            Self::Authorize => "authorize",
            Self::SignInPage => "sign_in_page",
            Self::SignIn => "sign_in",
            Self::SilentSso => "silent_sso",
            Self::CodeOnSession => "code_on_session",
            Self::ListUsers => "list_users",
            Self::OidcCallback => "oidc_callback",
            Self::SamlResponse => "saml_response",
            Self::SamlPost => "saml_post",
            Self::SamlFinish => "saml_finish",
            Self::Connections => "connections",
            Self::BareJson => "bare_json",
            Self::BareSignature => "bare_signature",
            Self::OidcProvider => "oidc_provider",
            Self::BareArgon2id => "bare_argon2id",
            Self::BareSamlResponse => "bare_saml_response",
            Self::BareSamlSignature => "bare_saml_signature",
        }
    }

    /// What is measured on the way to it, or is compared with it.
    pub(crate) const fn group(self) -> Group {
        match self {
            Self::ListUsers => Group::Api,
            Self::OidcCallback => Group::Oidc,
            Self::SamlResponse
            | Self::SamlPost
            | Self::SamlFinish
            | Self::BareSamlResponse
            | Self::BareSamlSignature => Group::Saml,
            Self::Connections => Group::Connections,
            Self::Discovery
            | Self::Jwks
            | Self::RedeemCode
            | Self::Refresh
            | Self::ClientCredentials
            | Self::Introspect
            | Self::Userinfo
            | Self::Authorize
            | Self::SignInPage
            | Self::SignIn
            | Self::SilentSso
            | Self::CodeOnSession
            | Self::BareJson
            | Self::BareSignature
            | Self::OidcProvider
            | Self::BareArgon2id => Group::Own,
        }
    }

    /// Whether a run of `only` this measures `other`.
    pub(crate) fn includes(self, other: Self) -> bool {
        self == other
            || self == Self::SamlResponse && other.group() == Group::Saml
            || self == Self::CodeOnSession && matches!(other, Self::SilentSso | Self::RedeemCode)
    }
}

impl Sample {
    /// In µs an operation.
    pub(crate) fn cpu(&self) -> f64 {
        self.server + self.postgres
    }

    /// The two requests of one operation.
    pub(crate) fn then(&self, next: &Self) -> Self {
        Self {
            server: self.server + next.server,
            postgres: self.postgres + next.postgres,
            p50: self.p50 + next.p50,
            p99: self.p99 + next.p99,
            per_second: 1.0 / (1.0 / self.per_second + 1.0 / next.per_second),
            resident: self.resident.max(next.resident),
        }
    }

    /// Operations that one core makes in a second.
    pub(crate) fn per_core(&self) -> f64 {
        1e6 / self.cpu()
    }
}

impl Meter {
    /// Loads the server.
    pub(crate) async fn measure(
        self,
        server: &Server,
        workload: Rc<dyn Workload>,
        limit: Limit,
    ) -> Result<Sample> {
        let load = Load::connect(server.address, self.connections, workload).await?;
        tokio::time::sleep(AFTERMATH).await;
        let (server_before, postgres_before) = self.read(server)?;
        let mut highest = resident(server.pid())?;
        let mut running = pin!(load.run(limit));
        let outcome = loop {
            tokio::select! {
                outcome = &mut running => break outcome?,
                () = tokio::time::sleep(SAMPLING) => highest = highest.max(resident(server.pid())?),
            }
        };
        tokio::time::sleep(AFTERMATH).await;
        let (server_after, postgres_after) = self.read(server)?;
        ensure!(!outcome.latencies.is_empty(), "nothing was done");
        let operations = f64::from(u32::try_from(outcome.latencies.len())?);
        let micros = |spent: Duration| spent.as_secs_f64() * 1e6 / operations;
        let millis = |percent| percentile(&outcome.latencies, percent).as_secs_f64() * 1e3;
        Ok(Sample {
            server: micros(server_after.saturating_sub(server_before)),
            postgres: micros(postgres_after.saturating_sub(postgres_before)),
            p50: millis(50),
            p99: millis(99),
            per_second: operations / outcome.wall.as_secs_f64(),
            resident: highest,
        })
    }

    pub(crate) fn read(self, server: &Server) -> Result<(Duration, Duration)> {
        let postgres = self.postgres.map(|pid| self.clock.of_family(pid)).transpose()?;
        Ok((self.clock.of(server.pid())?, postgres.unwrap_or_default()))
    }
}

/// Round trips to the database an operation, of `operations` made one after another, once as many have filled
/// the caches of statements.
pub(crate) async fn count_round_trips(
    proxy: &Proxy,
    server: &Server,
    workload: &Rc<dyn Workload>,
    operations: usize,
) -> Result<f64> {
    let limit = Limit { time: Duration::from_mins(1), operations };
    let mut counted = (0, 1);
    for _ in 0..2 {
        let before = proxy.round_trips();
        let load = Load::connect(server.address, 1, Rc::clone(workload)).await?;
        let outcome = load.run(limit).await?;
        tokio::time::sleep(AFTERMATH).await;
        counted = (proxy.round_trips() - before, outcome.latencies.len());
    }
    ensure!(counted.1 > 0, "nothing was done");
    Ok(f64::from(u32::try_from(counted.0)?) / f64::from(u32::try_from(counted.1)?))
}
