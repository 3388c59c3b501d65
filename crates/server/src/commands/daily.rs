//! What `orgate org` and `orgate user` have in common: they read what an export says, and change things as a file would.

use std::collections::BTreeSet;
use std::sync::Arc;

use clap::ValueEnum;
use orgate_domain::email::Email;
use orgate_domain::names::{DisplayName, Slug};
use orgate_flows::Env;
use orgate_flows::apply::{self, Place, Placed, Pruning, Wanted, WantedOrganization, WantedUser};
use serde_json::{Map, Value};

/// How something is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// For people
    Table,
    /// For programs: a list of objects
    Json,
}

/// A value that whoever runs the command wrote.
pub(super) fn given<T>(value: T) -> Placed<T> {
    Placed { value, place: Place { file: Arc::from("command line"), line: 1, column: 1 } }
}

/// An organization of which nothing changes.
pub(super) fn silent(slug: Slug, name: DisplayName) -> WantedOrganization {
    WantedOrganization {
        slug: given(slug),
        name,
        parent: None,
        status: None,
        contact: None,
        domains: None,
        joining: None,
        delegations: None,
        mail_templates: None,
        branding: None,
        attributes: None,
        external_id: None,
        policy: None,
        quotas: None,
        blueprints: None,
        ready_roles: true,
        lists: BTreeSet::new(),
        roles: Vec::new(),
        groups: Vec::new(),
        users: Vec::new(),
        connections: Vec::new(),
        webhooks: Vec::new(),
        invitations: Vec::new(),
    }
}

/// A user of whom nothing changes.
pub(super) fn silent_user(email: Email, name: DisplayName) -> WantedUser {
    WantedUser {
        email: given(email),
        name,
        vouched: false,
        status: None,
        password: None,
        break_glass: None,
        attributes: None,
        external_id: None,
        roles: None,
        groups: None,
    }
}

/// Brings an organization to what is wanted, and says what that changed. Nothing is pruned of what a command lists nothing of;
/// it is planned so for the last owner's sake.
pub(super) async fn bring(env: &Env, organization: WantedOrganization) -> anyhow::Result<()> {
    let wanted = Wanted { organizations: vec![organization], ..Wanted::default() };
    let plan = apply::plan_pruning(env, &wanted, Pruning::On).await?;
    print!("{plan}");
    super::apply::execute(env, plan).await
}

/// Shows rows under names of columns.
pub(super) fn show(output: Output, columns: &[&str], rows: &[Vec<String>]) {
    match output {
        Output::Json => {
            let object = |row: &Vec<String>| {
                let members = columns
                    .iter()
                    .zip(row)
                    .map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())));
                Value::Object(members.collect::<Map<_, _>>())
            };
            println!("{:#}", Value::Array(rows.iter().map(object).collect()));
        }
        Output::Table => {
            let widths: Vec<usize> = (0..columns.len())
                .map(|at| {
                    let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count());
                    cells.chain(columns.get(at).map(|name| name.len())).max().unwrap_or_default()
                })
                .collect();
            let line = |cells: &mut dyn Iterator<Item = &str>| {
                let padded = cells.zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
                println!("{}", padded.collect::<Vec<_>>().join("  ").trim_end());
            };
            let heads: Vec<String> =
                columns.iter().map(|name| name.to_uppercase().replace('_', " ")).collect();
            line(&mut heads.iter().map(String::as_str));
            for row in rows {
                line(&mut row.iter().map(String::as_str));
            }
        }
    }
}
