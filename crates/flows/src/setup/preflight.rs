//! Who would lose access: asked before a connection goes live.

use orgate_domain::connections::{ConnectionProtocol, ConnectionState, Withheld};
use orgate_domain::policies::SsoEnforcement;
use orgate_domain::setup::SetupPurpose;
use orgate_storage::{AtRisk, RiskQuestion};

use super::connections::Detail;
use super::{Setup, SetupError};
use crate::Env;
use crate::federation::ceiling::group_roles;

/// Users that are listed; all are counted.
const LISTED: i64 = 100;

/// What would keep a user out, or from what they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Risk {
    /// The pilot does not list them.
    NotInPilot,
    /// The connection has never seen them, and their address is of no domain that it serves: it would
    /// take them for somebody new, or for nobody.
    NotRecognized,
    /// The same, because the provider's word for addresses is not taken.
    AddressNotTrusted,
    /// The connection has never seen them: at their first sign-in they are recognized by their address,
    /// if the provider says exactly that one.
    FirstSignIn,
}

/// The answer.
#[derive(Debug)]
pub struct Preflight {
    /// Who must sign in through a connection, as it is.
    pub enforcement: SsoEnforcement,
    /// Users and what would become of them, worst first; at most 100.
    pub users: Vec<(AtRisk, Risk)>,
    /// How many there are.
    pub total: i64,
    /// What rules name that the version's ceiling withholds.
    pub withheld: Withheld,
}

impl Risk {
    /// Whether it takes access away for sure.
    pub const fn is_loss(self) -> bool {
        !matches!(self, Self::FirstSignIn)
    }
}

/// Looks at everybody who has to sign in through a connection, or would have to, if the connection were in
/// the state `to`. Where nobody has to yet, those with an address of a verified domain are looked at.
///
/// # Errors
/// [`SetupError`].
pub async fn preflight(
    env: &Env,
    setup: &Setup,
    detail: &Detail,
    to: ConnectionState,
) -> Result<Preflight, SetupError> {
    let question = RiskQuestion {
        connection: detail.connection.id,
        provider: detail.latest.as_ref().map_or("", |version| version.settings.provider.identifier()),
        everybody: detail.enforcement == SsoEnforcement::Organization,
        pilot: to == ConnectionState::Pilot,
        limit: LISTED,
    };
    let mut tx = setup.begin(env, SetupPurpose::Sso).await?;
    let (found, total) = tx.identities().list_at_risk(&question).await?;
    tx.commit().await?;
    let trusted = detail.connection.protocol == ConnectionProtocol::Oidc
        || detail.latest.as_ref().is_some_and(|version| version.settings.trusts_addresses);
    let mut users: Vec<_> = found
        .into_iter()
        .map(|user| {
            let risk = risk_of(&user, (question.pilot, trusted));
            (user, risk)
        })
        .collect();
    users.sort_by_key(|(_, risk)| !risk.is_loss());
    let withheld = match &detail.latest {
        Some(version) => match &version.role_ceiling {
            Some(ceiling) => version.settings.beyond(ceiling, &group_roles(&detail.groups)),
            None => Withheld::default(),
        },
        None => Withheld::default(),
    };
    Ok(Preflight { enforcement: detail.enforcement, users, total, withheld })
}

const fn risk_of(user: &AtRisk, (pilot, trusted): (bool, bool)) -> Risk {
    if pilot && !user.piloted {
        Risk::NotInPilot
    } else if !user.served {
        Risk::NotRecognized
    } else if !trusted {
        Risk::AddressNotTrusted
    } else {
        Risk::FirstSignIn
    }
}
