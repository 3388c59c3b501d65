//! What a version of a connection may give, held against its ceiling at every sign-in: a version that was
//! written by a set-up link gives no role beyond that link's, however its rules came to be.

use orgate_domain::connections::{GroupRoles, Mapped, RoleSlugs, Withheld};
use orgate_storage::{Group, OrgTx};

use super::trace::Trace;
use crate::Failure;

/// The roles that members of each group have.
pub(crate) fn group_roles(groups: &[Group]) -> GroupRoles {
    groups.iter().map(|group| (group.slug.to_string(), group.role_slugs())).collect()
}

/// Takes away what is beyond the ceiling, and says so in the trace.
pub(super) async fn cut(
    tx: &mut OrgTx,
    ceiling: Option<&RoleSlugs>,
    mapped: &mut Mapped,
    trace: &mut Trace,
) -> Result<(), Failure> {
    let Some(ceiling) = ceiling else { return Ok(()) };
    let known = if mapped.groups.is_empty() {
        GroupRoles::new()
    } else {
        tx.groups().hold().await?;
        group_roles(&tx.groups().list().await?)
    };
    let withheld = mapped.cut(ceiling, &known);
    if !withheld.is_empty() {
        trace.pass("role_ceiling", sentence(&withheld));
        trace.withhold(&withheld);
    }
    Ok(())
}

fn sentence(withheld: &Withheld) -> String {
    let list = |slugs: &std::collections::BTreeSet<String>| {
        slugs.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
    };
    let mut parts = Vec::new();
    if !withheld.roles.is_empty() {
        parts.push(format!("roles {}", list(&withheld.roles)));
    }
    if !withheld.groups.is_empty() {
        parts.push(format!("groups {}", list(&withheld.groups)));
    }
    format!("not given, because whoever set this up may not give them: {}", parts.join("; "))
}
