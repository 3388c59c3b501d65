//! Migrations: beginning one, and what each must be like.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail, ensure};

use crate::check::{self, Outcome};
use crate::workspace;

const DIRECTORY: &str = "migrations";

/// How a new one begins, until somebody has said why.
const WHY: &str = "-- Why this change is needed, and how the release before it goes on working.\n";

/// `cargo xtask migration VERB_OBJECT`.
pub(crate) fn create(arguments: &[String]) -> Result<ExitCode> {
    let [name] = arguments else { bail!("name the migration, such as create_webhooks") };
    ensure!(is_verb_object(name), "`{name}` is not lower-case words, a verb and its object: create_webhooks");
    let time = workspace::output(Command::new("date").args(["-u", "+%Y%m%d%H%M%S"]))?;
    let path = format!("{DIRECTORY}/{}_{name}.sql", time.trim());
    fs::write(&path, draft(name)).with_context(|| format!("cannot write {path}"))?;
    println!("{path}");
    Ok(ExitCode::SUCCESS)
}

/// A beginning: for `create_things`, with the table.
fn draft(name: &str) -> String {
    let table = name.strip_prefix("create_").map(|table| {
        format!(
            "
create table {table} (
    org_id     uuid not null default current_org_id() references organizations (org_id),
    id         uuid not null,
    created_at timestamptz not null,
    primary key (org_id, id)
);
call isolate_by_organization('{table}', 'select, insert, update, delete');
"
        )
    });
    WHY.to_owned() + &table.unwrap_or_default()
}

/// The files, in the order in which they are applied.
pub(crate) fn files() -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(DIRECTORY).with_context(|| format!("cannot read {DIRECTORY}"))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}

/// Fails for a file whose name or beginning is not as it should be, or that leaves a table open to every
/// organization.
pub(crate) fn lint() -> Result<Outcome> {
    let mut violations = Vec::new();
    let files = files()?;
    for path in &files {
        let sql = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let found = wrong_with_name(path).into_iter().chain(wrong_with_text(&sql));
        violations.extend(found.map(|problem| format!("{}: {problem}", path.display())));
    }
    for pair in files.windows(2) {
        if let [first, second] = pair
            && version(first) == version(second)
        {
            violations.push(format!("{}: the same time as the one before it", second.display()));
        }
    }
    check::verdict(&violations)
}

fn version(path: &Path) -> Option<&str> {
    path.file_stem()?.to_str()?.split_once('_').map(|(version, _)| version)
}

fn is_verb_object(name: &str) -> bool {
    let is_word =
        |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    name.contains('_') && name.split('_').all(is_word)
}

fn wrong_with_name(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy();
    let parts = name.strip_suffix(".sql").and_then(|stem| stem.split_once('_'));
    let right = parts.is_some_and(|(time, rest)| is_time(time) && is_verb_object(rest));
    (!right).then(|| "the name is not YYYYMMDDHHMMSS_verb_object.sql".to_owned())
}

fn is_time(digits: &str) -> bool {
    let number = |from, to| digits.get(from..to).and_then(|part| part.parse::<u32>().ok());
    digits.len() == 14
        && digits.bytes().all(|digit| digit.is_ascii_digit())
        && number(4, 6).is_some_and(|month| (1..=12).contains(&month))
        && number(6, 8).is_some_and(|day| (1..=31).contains(&day))
        && number(8, 10).is_some_and(|hour| hour < 24)
        && number(10, 12).is_some_and(|minute| minute < 60)
        && number(12, 14).is_some_and(|second| second < 60)
}

fn wrong_with_text(sql: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if !sql.starts_with("-- ") || sql.starts_with(WHY) {
        problems.push("it does not begin with a comment that says why".to_owned());
    }
    let sql = without_comments(sql).to_lowercase();
    for (at, table) in tables_created(&sql) {
        if !is_isolated(sql.split_at(at).1, &table) {
            problems.push(format!("table {table} has no row-level security: call isolate_by_organization"));
        }
    }
    problems
}

/// The code, each gap in it one space.
fn without_comments(sql: &str) -> String {
    let code = sql.lines().map(|line| line.split_once("--").map_or(line, |(code, _)| code));
    code.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

/// Each table that is created, and where.
fn tables_created(sql: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in sql.match_indices("create ") {
        let mut words = sql.split_at(at).1.split_whitespace().skip(1);
        let kind = words.by_ref().find(|word| *word != "unlogged");
        let name = words.find(|word| !matches!(*word, "if" | "not" | "exists"));
        if let (Some("table"), Some(name)) = (kind, name) {
            let name = name.split('(').next().unwrap_or(name);
            found.push((at, name.trim_start_matches("public.").to_owned()));
        }
    }
    found
}

/// Whether what follows a table's creation protects it. In PL/pgSQL its name may be a parameter, as `%I` is.
fn is_isolated(sql: &str, table: &str) -> bool {
    let calls = format!("call isolate_by_organization('{table}'");
    let enables = format!("alter table {table} enable row level security");
    let forces = format!("alter table {table} force row level security");
    sql.contains(&calls) || sql.contains(&enables) && sql.contains(&forces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_time_a_verb_and_an_object() {
        let refused = |name: &str| wrong_with_name(Path::new(name)).is_some();

        assert!(!refused("migrations/20261122000001_create_roles.sql"));
        assert!(refused("migrations/20261322000001_create_roles.sql"));
        assert!(refused("migrations/2026_create_roles.sql"));
        assert!(refused("migrations/20261122000001_roles.sql"));
        assert!(refused("migrations/20261122000001_Create_roles.sql"));
        assert!(refused("migrations/notes.txt"));
    }

    #[test]
    fn every_table_is_isolated() {
        let wrong = |sql: &str| wrong_with_text(&format!("-- Because.\n{sql}")).len();

        assert_eq!(wrong("create table a (org_id uuid);\ncall isolate_by_organization('a', 'select');"), 0);
        assert_eq!(
            wrong(
                "alter table a enable row level security; alter table a force row level security; create table a ();"
            ),
            1
        );
        assert_eq!(wrong("create table a ();\ncall isolate_by_organization('ab', 'select');"), 1);
        assert_eq!(wrong("create table if not exists a();\nalter table a enable row level security;"), 1);
        assert_eq!(wrong("CREATE UNLOGGED TABLE a ();\n-- call isolate_by_organization('a', 'select');"), 1);
        assert_eq!(wrong("create index a on b (c);"), 0);
    }

    #[test]
    fn a_migration_says_why() {
        assert_eq!(wrong_with_text("select 1;").len(), 1);
        assert_eq!(wrong_with_text(&draft("create_webhooks")).len(), 1);
        assert_eq!(wrong_with_text(&draft("create_webhooks").replace("Why", "Because")).len(), 0);
    }
}
