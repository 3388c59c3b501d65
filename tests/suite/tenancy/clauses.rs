//! Reads just enough SQL, of the style that the storage crate is written in, to see which tables a query names and
//! whether it says the `org_id` of each.

use std::collections::BTreeSet;

/// A table that is read, changed or emptied.
struct Mention<'q> {
    /// The parenthesis it stands in.
    scope: usize,
    table: &'q str,
    alias: Option<&'q str>,
}

/// One side of an equality.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side<'q> {
    /// A column `org_id`, or one that holds another organization's, of this table.
    OrgIdOf(&'q str),
    /// The column `org_id` of the only table around.
    OrgId,
    Parameter,
    Other,
}

struct Equality<'q> {
    /// The parentheses it stands in, the innermost last.
    path: Vec<usize>,
    sides: [Side<'q>; 2],
}

/// The isolated tables that a query names without their `org_id`: for a table inserted into, it is among the columns;
/// for any other, it equals a parameter or that of a table for which the same holds.
///
/// An equality under `or` or `not` counts like any.
pub(super) fn loose_ends(query: &str, isolated: &BTreeSet<String>) -> Vec<String> {
    let words = words(query);
    let word = |at: usize| words.get(at).copied().unwrap_or_default();
    let (mut path, mut scopes, mut assigning) = (vec![0], 0, None);
    let (mut mentions, mut equalities, mut loose) = (Vec::new(), Vec::new(), Vec::new());
    for at in 0..words.len() {
        let scope = path[path.len() - 1];
        match word(at) {
            "(" => {
                scopes += 1;
                path.push(scopes);
            }
            ")" => {
                path.pop();
                assigning = assigning.filter(|assigning| *assigning != scope);
            }
            "set" => assigning = Some(scope),
            "where" | "from" | "returning" if assigning == Some(scope) => assigning = None,
            "=" if assigning.is_none() => {
                let sides = [side(word(at - 1)), side(word(at + 1))];
                equalities.push(Equality { path: path.clone(), sides });
            }
            _ => {}
        }
        let table = word(at);
        if isolated.contains(table) {
            match word(at.wrapping_sub(1)) {
                "into" if columns(&words[at + 1..]).contains(&"org_id") => {}
                "from" | "join" | "update" | "using" => {
                    let alias = alias(word(at + 1), word(at + 2));
                    mentions.push(Mention { scope, table, alias });
                }
                _ => loose.push(table.to_owned()),
            }
        }
    }
    let untied = mentions.iter().filter(|mention| !is_tied(mention, &mentions, &equalities));
    loose.extend(untied.map(|mention| [&[mention.table], mention.alias.as_slice()].concat().join(" ")));
    loose
}

fn is_tied(mention: &Mention<'_>, mentions: &[Mention<'_>], equalities: &[Equality<'_>]) -> bool {
    let name = mention.alias.unwrap_or(mention.table);
    let by_name = equalities.iter().any(|equality| {
        equality.path.contains(&mention.scope) && equality.sides.contains(&Side::OrgIdOf(name))
    });
    let alone = equalities.iter().any(|equality| {
        let holds_a_table = |scope: &&usize| mentions.iter().any(|mention| mention.scope == **scope);
        equality.path.iter().rev().find(holds_a_table) == Some(&mention.scope)
            && equality.sides.contains(&Side::OrgId)
            && equality.sides.contains(&Side::Parameter)
    });
    mention.alias.is_none() && alone || by_name && anchored(equalities).contains(name)
}

/// The names whose `org_id` is a parameter, directly or by way of others.
fn anchored<'q>(equalities: &[Equality<'q>]) -> BTreeSet<&'q str> {
    let mut anchored = BTreeSet::new();
    loop {
        let next = equalities.iter().flat_map(|equality| {
            let [left, right] = equality.sides;
            [(left, right), (right, left)]
        });
        let next = next.into_iter().find_map(|pair| match pair {
            (Side::OrgIdOf(name), Side::Parameter) if !anchored.contains(name) => Some(name),
            (Side::OrgIdOf(name), Side::OrgIdOf(by)) if anchored.contains(by) && !anchored.contains(name) => {
                Some(name)
            }
            _ => None,
        });
        let Some(name) = next else { return anchored };
        anchored.insert(name);
    }
}

fn side(word: &str) -> Side<'_> {
    match word.split_once('.') {
        Some((name, "org_id" | "client_org_id")) => Side::OrgIdOf(name),
        None if word == "org_id" => Side::OrgId,
        None if word.starts_with('$') => Side::Parameter,
        _ => Side::Other,
    }
}

/// The names in the parenthesis that follows a table inserted into.
fn columns<'q, 'w>(words: &'w [&'q str]) -> &'w [&'q str] {
    let opening = words.iter().position(|word| *word == "(").filter(|opening| matches!(opening, 0 | 2));
    let columns = opening.map_or(&[][..], |opening| &words[opening..]);
    let closing = columns.iter().position(|word| *word == ")");
    &columns[..closing.unwrap_or(0)]
}

fn alias<'q>(next: &'q str, after: &'q str) -> Option<&'q str> {
    const CLAUSES: [&str; 16] = [
        "",
        "(",
        ")",
        ",",
        "cross",
        "for",
        "group",
        "join",
        "left",
        "limit",
        "on",
        "order",
        "returning",
        "set",
        "using",
        "where",
    ];
    let name = if next == "as" { after } else { next };
    (!CLAUSES.contains(&name)).then_some(name)
}

/// Names with their dots, numbers and parameters; anything else one by one. What is quoted is left out.
fn words(query: &str) -> Vec<&str> {
    let is_part = |letter: char| letter.is_alphanumeric() || "_.$".contains(letter);
    let unquoted = query.split(['\'', '"']).step_by(2);
    let mut words = Vec::new();
    for piece in unquoted {
        let mut rest = piece.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len()).max(first.len_utf8());
            let (word, after) = rest.split_at(length);
            words.push(word);
            rest = after.trim_start();
        }
    }
    words
}

#[test]
fn a_table_without_its_org_id_is_noticed() {
    let isolated = ["users", "roles", "sessions", "grants"].map(str::to_owned).into();
    let tied = [
        "select name from users where org_id = $1 and id = $2",
        "select u.name from users u join roles r on r.org_id = u.org_id and r.id = u.id where u.org_id = $1",
        "select array(select r.id from roles r where r.org_id = u.org_id) from users u where $1 = u.org_id",
        "with gone as (delete from roles where org_id = $1) insert into users (org_id, id) values ($1, $2)",
        "insert into users as u (org_id, id) values ($1, $2) on conflict (org_id, id) do update set id = $2",
        "update users set name = 'from roles' where (org_id = $1 or name = $2)",
        "select array(select 1) as \"roles!\" from users where users.org_id = $1",
    ];
    let loose = [
        ("select name from users where id = $1", "users"),
        ("select org_id from users", "users"),
        ("select u.name from users u join roles r on r.id = u.id where u.org_id = $1", "roles r"),
        ("select u.name from users u join roles r on r.org_id = u.org_id", "roles r, users u"),
        ("select array(select r.id from roles r) from users u where u.org_id = $1", "roles r"),
        (
            "select 1 from roles r where r.org_id = $1 and exists (select from roles r where r.id = $2)",
            "roles r",
        ),
        ("with gone as (delete from roles where org_id = $1) update users set id = $1", "users"),
        ("with gone as (delete from roles) update users set id = $2 where org_id = $1", "roles"),
        ("insert into users (id) values ($1)", "users"),
        ("insert into users select * from grants g where g.org_id = $1", "users"),
        ("select 1 from users u, roles r where u.org_id = $1", "roles"),
        ("delete from users u using sessions s where u.org_id = $1", "sessions s"),
        ("update users set org_id = $1", "users"),
    ];

    for query in tied {
        assert_eq!(loose_ends(query, &isolated), [] as [&str; 0], "{query}");
    }
    for (query, expected) in loose {
        let mut found = loose_ends(query, &isolated);
        found.sort();
        assert_eq!(found.join(", "), expected, "{query}");
    }
}
