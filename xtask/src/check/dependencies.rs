//! Which crate may use which, and that each uses what it names.
//!
//! `protocol → domain → storage → flows → edge → {api, web} → server`: an arrow reads "is used by", and none
//! points back.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::{Outcome, verdict};
use crate::workspace;

/// Our crates, and those of ours that each may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("protocol", &[]),
    ("saml", &[]),
    ("domain", &["protocol"]),
    ("storage", &["protocol", "domain"]),
    ("flows", &["protocol", "saml", "domain", "storage"]),
    ("edge", &["protocol", "saml", "domain", "storage", "flows"]),
    ("api", &["protocol", "saml", "domain", "storage", "flows", "edge"]),
    ("web", &["protocol", "saml", "domain", "storage", "flows", "edge"]),
    (
        "server",
        &[
            "protocol",
            "saml",
            "domain",
            "storage",
            "flows",
            "edge",
            "api",
            "web",
            "embedded-postgres",
            "playground",
        ],
    ),
    ("verify", &[]),
    ("playground", &["verify"]),
    ("embedded-postgres", &[]),
    ("xtask", &["embedded-postgres"]),
    ("fuzz", &["protocol", "saml", "domain", "flows"]),
    (
        "bench",
        &["protocol", "saml", "domain", "storage", "flows", "server", "playground", "embedded-postgres"],
    ),
    (
        "tests",
        &[
            "protocol",
            "saml",
            "domain",
            "storage",
            "flows",
            "edge",
            "api",
            "web",
            "server",
            "verify",
            "playground",
            "embedded-postgres",
        ],
    ),
];

/// What only some of ours may use.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("sqlx", &["storage", "bench", "tests"]),
    ("axum", &["edge", "api", "web", "server", "verify", "playground", "bench", "tests"]),
    ("anyhow", &["server", "xtask", "bench", "tests"]),
];

/// Fails for a dependency that points the wrong way, or is not used.
pub(crate) fn lint() -> Result<Outcome> {
    let tree = workspace::output(&mut workspace::cargo([
        "tree",
        "--workspace",
        "--depth",
        "1",
        "--prefix",
        "depth",
        "--all-features",
        "--target",
        "all",
        "--locked",
    ]))?;
    let edges = parse(&tree);
    let mut violations: Vec<_> = edges.iter().filter_map(misdirected).collect();
    violations.extend(unused(&edges)?);
    verdict(&violations)
}

/// A package and one that it depends on, in whatever way.
type Edge = (String, String);

/// Reads lines `0orgate-api v0.1.0 (…)`, each followed by its dependencies: `1axum v0.8.9`.
fn parse(tree: &str) -> BTreeSet<Edge> {
    let mut edges = BTreeSet::new();
    let mut package = "";
    for line in tree.lines() {
        let name = line.split_whitespace().next().unwrap_or_default();
        if let Some(name) = name.strip_prefix('0') {
            package = name;
        } else if let Some(name) = name.strip_prefix('1') {
            edges.insert((package.to_owned(), name.to_owned()));
        }
    }
    edges
}

/// A package's name without our prefix, if it is ours.
fn ours(package: &str) -> Option<&str> {
    package.strip_prefix("orgate-").or((package == "xtask").then_some(package))
}

fn misdirected((from, to): &Edge) -> Option<String> {
    let user = ours(from)?;
    let find = |table: &'static [(&str, &'static [&str])], name: &str| {
        table.iter().find(|(known, _)| *known == name).map(|(_, names)| *names)
    };
    let Some(may_use) = find(MAY_USE, user) else {
        return Some(format!("{from} has no place among the crates: see {}", file!()));
    };
    let allowed = match ours(to) {
        Some(name) => may_use.contains(&name),
        None => find(ONLY_IN, to).is_none_or(|users| users.contains(&user)),
    };
    (!allowed).then(|| format!("{from} must not use {to}"))
}

/// Dependencies that no code of their package names.
fn unused(edges: &BTreeSet<Edge>) -> Result<Vec<String>> {
    let mut violations = Vec::new();
    for package in edges.iter().map(|(from, _)| from).collect::<BTreeSet<_>>() {
        let directory = match ours(package).unwrap_or_default() {
            name @ ("fuzz" | "tests" | "xtask") => name.to_owned(),
            name => format!("crates/{name}"),
        };
        let code = code_in(Path::new(&directory))?;
        let unused =
            edges.iter().filter(|(from, to)| from == package && !names(&code, &to.replace('-', "_")));
        violations.extend(unused.map(|(from, to)| format!("{from} does not use {to}")));
    }
    Ok(violations)
}

fn code_in(directory: &Path) -> Result<String> {
    let files = workspace::rust_files()?.into_iter().filter(|path| path.starts_with(directory));
    let read =
        |path: PathBuf| fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()));
    files.map(read).collect()
}

/// Whether a path in `code` begins with the crate `name`, or an import is of it.
fn names(code: &str, name: &str) -> bool {
    let is_identifier = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(name).any(|(at, _)| {
        let (before, rest) = code.split_at(at);
        let after = rest.strip_prefix(name).unwrap_or_default();
        let begins_path =
            !before.ends_with(is_identifier) && (!before.ends_with("::") || before.ends_with(" ::"));
        begins_path && ["::", ";", " as "].iter().any(|next| after.starts_with(next))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(from: &str, to: &str) -> Edge {
        (from.to_owned(), to.to_owned())
    }

    #[test]
    fn dependencies_of_all_kinds_are_read() {
        let tree = "0orgate-api v0.1.0 (…)\n1axum v0.8.9\n[dev-dependencies]\n1proptest v1.12.0\n\n0xtask v0.1.0\n1anyhow v1.0.0\n";

        let expected = [edge("orgate-api", "axum"), edge("orgate-api", "proptest"), edge("xtask", "anyhow")];
        assert_eq!(parse(tree), BTreeSet::from(expected));
    }

    #[test]
    fn no_arrow_points_back() {
        let refused = |from, to| misdirected(&edge(from, to)).is_some();

        assert!(!refused("orgate-flows", "orgate-storage"));
        assert!(refused("orgate-storage", "orgate-flows"));
        assert!(refused("orgate-api", "orgate-web"));
        assert!(refused("orgate-flows", "sqlx"));
        assert!(refused("orgate-storage", "axum"));
        assert!(refused("orgate-new", "serde"));
        assert!(!refused("orgate-verify", "axum"));
    }

    #[test]
    fn a_crate_is_used_where_a_path_begins_with_it() {
        assert!(names("use http::StatusCode;", "http"));
        assert!(names("let x = ::http::Uri::default();", "http"));
        assert!(names("pub use http;", "http"));
        assert!(!names("use axum::http::StatusCode; // http: or https", "http"));
        assert!(!names("use my_http::X;", "http"));
    }
}
