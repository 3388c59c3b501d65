//! What can be in a role, as a matrix: what it is about, by what is done with it; and what applications know.
//!
//! **Invariant:** everything that is in a role has a box: a form that is sent as it was shown changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use orgate_domain::permissions::{EVERYTHING, Held, OrgatePermission};
use orgate_flows::manage::ChangeError;
use orgate_flows::manage::applications::Declared;

use super::change::Refusal;
use crate::words::words;

/// Boxes of applications at most, beside those that are ticked.
const MAX_DECLARED: usize = 200;

/// What permissions are about, in the order of the matrix: a part of it, and in each what a permission names and what people call
/// that.
const AREAS: [(&str, &[(&str, &str)]); 4] = [
    (
        "People",
        &[
            ("users", "users"),
            ("groups", "groups"),
            ("roles", "roles"),
            ("invitations", "invitations"),
            ("sessions", "sessions"),
        ],
    ),
    (
        "Signing in",
        &[
            ("connections", "identity providers"),
            ("domains", "domains"),
            ("policies", "policies"),
            ("setup_links", "set-up links"),
        ],
    ),
    (
        "Applications",
        &[
            ("clients", "applications and machines"),
            ("applications", "what applications allow"),
            ("api_keys", "API keys"),
            ("webhooks", "webhooks"),
            ("signing_keys", "signing keys"),
        ],
    ),
    (
        ORGANIZATION,
        &[
            ("organization", "the organization"),
            ("audit", "audit log"),
            ("delegations", "organizations above"),
            ("suborganizations", "organizations below"),
            ("organizations", "all organizations"),
        ],
    ),
];

/// Where whatever has no other place is.
const ORGANIZATION: &str = "The organization";

/// `templates/admin/matrix.html`, and `matrix_applications.html`.
pub(crate) struct Matrix {
    /// All of Orgate's, as an owner has it.
    pub(crate) everything: PermissionBox,
    pub(crate) areas: Vec<Area>,
    pub(crate) applications: Vec<Application>,
    /// How many that applications declare have no box.
    pub(crate) left_out: usize,
}

/// A part of the matrix.
pub(crate) struct Area {
    pub(crate) name: &'static str,
    pub(crate) rows: Vec<Row>,
}

/// What can be done with one thing.
pub(crate) struct Row {
    /// What it is, for people.
    pub(crate) about: String,
    /// How its permissions begin.
    pub(crate) prefix: String,
    pub(crate) read: Option<PermissionBox>,
    pub(crate) manage: Option<PermissionBox>,
    pub(crate) other: Vec<PermissionBox>,
    pub(crate) all: PermissionBox,
}

/// What a resource of applications knows.
pub(crate) struct Application {
    /// How its permissions begin.
    pub(crate) resource: String,
    /// The applications that declare any.
    pub(crate) declared_by: String,
    pub(crate) all: PermissionBox,
    pub(crate) each: Vec<PermissionBox>,
}

/// One permission: `templates/admin/permission.html`.
#[expect(clippy::struct_excessive_bools, reason = "each is a state of its own that the box shows")]
pub(crate) struct PermissionBox {
    /// As roles hold it.
    pub(crate) text: String,
    pub(crate) label: String,
    /// What it lets its holder do, in a sentence.
    pub(crate) meaning: &'static str,
    /// Whether it is in the role, or was ticked in a form that was refused.
    pub(crate) is_ticked: bool,
    /// Whether it is not in the role, and held by a wider one that is.
    pub(crate) is_included: bool,
    /// Whether it is the reader's to give.
    pub(crate) is_open: bool,
    /// Whether somebody else put it in or took it out meanwhile.
    pub(crate) is_changed: bool,
    /// What is wrong with it.
    pub(crate) wrong: Option<String>,
}

/// What a role holds, and whose it is to change.
pub(crate) struct Ticks<'a> {
    /// What is in it, or was ticked.
    ticked: &'a BTreeSet<String>,
    /// The same, with what it includes.
    holds: Held,
    /// What others changed meanwhile.
    changed: &'a BTreeSet<String>,
    /// The one that something is wrong with.
    wrong: Option<(&'a str, &'a str)>,
    /// What may be given; `None` where nothing can be changed.
    gives: Option<&'a dyn Fn(&str) -> bool>,
}

impl<'a> Ticks<'a> {
    /// Of what is in it, and what others changed of that; the one that something is wrong with, and why; and what may be given.
    pub(crate) fn of(
        (ticked, changed): (&'a BTreeSet<String>, &'a BTreeSet<String>),
        wrong: Option<(&'a str, &'a str)>,
        gives: Option<&'a dyn Fn(&str) -> bool>,
    ) -> Self {
        Self { ticked, holds: Held::of(ticked.iter().map(String::as_str)), changed, wrong, gives }
    }

    fn permission(&self, text: &str, label: String, meaning: &'static str) -> PermissionBox {
        let is_open = self.gives.is_some_and(|gives| gives(text));
        let is_ticked = self.ticked.contains(text) && (is_open || self.gives.is_none());
        PermissionBox {
            text: text.to_owned(),
            label,
            meaning,
            is_ticked,
            is_included: !is_ticked && self.holds.covers(text),
            is_open,
            is_changed: self.changed.contains(text),
            wrong: self.wrong.filter(|(wrong, _)| *wrong == text).map(|(_, why)| why.to_owned()),
        }
    }

    fn row(&self, resource: &str, about: &str) -> Row {
        let prefix = format!("orgate:{resource}");
        let mut row = Row {
            about: words(about),
            read: None,
            manage: None,
            other: Vec::new(),
            all: self.permission(&format!("{prefix}:*"), "All".to_owned(), ""),
            prefix,
        };
        for permission in OrgatePermission::ALL.iter().filter(|one| resource_of(one.as_str()) == resource) {
            let (text, action) = (permission.as_str(), action_of(permission.as_str()));
            let one = self.permission(text, words(action), permission.meaning());
            match action {
                "read" => row.read = Some(one),
                "manage" => row.manage = Some(one),
                _ => row.other.push(one),
            }
        }
        row
    }
}

impl Matrix {
    pub(crate) fn of(ticks: &Ticks<'_>, declared: &[Declared]) -> Self {
        let mut areas: Vec<Area> = AREAS
            .iter()
            .map(|(name, rows)| {
                let rows = rows.iter().map(|(resource, about)| ticks.row(resource, about));
                Area { name, rows: rows.collect() }
            })
            .collect();
        if let Some(last) = areas.last_mut() {
            last.rows.extend(unplaced().into_iter().map(|resource| ticks.row(resource, resource)));
        }
        let everything = ticks.permission(EVERYTHING, "Everything".to_owned(), "");
        let (applications, left_out) = applications(ticks, declared, &placed(&areas));
        Self { everything, areas, applications, left_out }
    }

    /// The same without the rows of which no permission is of use, unless one of them is ticked, or something is said of it.
    pub(crate) fn of_use(mut self, is_of_use: impl Fn(OrgatePermission) -> bool) -> Self {
        let has_use = |row: &Row| {
            let of_row = |one: &&OrgatePermission| {
                one.as_str().rsplit_once(':').is_some_and(|(of, _)| of == row.prefix)
            };
            OrgatePermission::ALL.iter().filter(of_row).any(|one| is_of_use(*one))
        };
        let matters = |row: &Row| {
            let boxes = row.read.iter().chain(&row.manage).chain(&row.other).chain([&row.all]);
            boxes.into_iter().any(|one| one.is_ticked || one.is_changed || one.wrong.is_some())
        };
        for area in &mut self.areas {
            area.rows.retain(|row| has_use(row) || matters(row));
        }
        self
    }

    /// What is wrong with permissions, at the box of the one that is meant, or, where that has none, at another field.
    pub(crate) fn locate(
        &self,
        refusal: Option<Refusal>,
        (meant, or_else): (Option<&str>, &str),
    ) -> Option<Refusal> {
        let has_box = meant.is_some_and(|meant| self.shows(meant));
        refusal.map(|mut refusal| {
            if refusal.wrong.field == "permissions" {
                (if has_box { "wrong-permission" } else { or_else }).clone_into(&mut refusal.wrong.field);
            }
            refusal
        })
    }

    /// Whether this permission has a box.
    pub(crate) fn shows(&self, text: &str) -> bool {
        let of_applications = self.applications.iter().flat_map(|one| one.each.iter().chain([&one.all]));
        placed(&self.areas).contains(text) || of_applications.into_iter().any(|one| one.text == text)
    }
}

/// The permission that something is wrong with: a use case says it by its place.
pub(crate) fn meant(error: &ChangeError, wanted: &BTreeSet<String>) -> Option<String> {
    let (ChangeError::Above { pointer, .. } | ChangeError::Invalid { pointer, .. }) = error else {
        return None;
    };
    let place = pointer.strip_prefix("/permissions/")?.parse().ok()?;
    wanted.iter().nth(place).cloned()
}

/// Orgate's own permissions, by the part of the matrix that they are in.
pub(crate) fn by_area() -> Vec<(&'static str, Vec<OrgatePermission>)> {
    let of = |rows: &[(&str, &str)]| -> Vec<_> {
        let about = rows.iter().map(|(resource, _)| *resource);
        about.flat_map(of_resource).collect()
    };
    let mut areas: Vec<_> = AREAS.iter().map(|(name, rows)| (*name, of(rows))).collect();
    if let Some((_, last)) = areas.last_mut() {
        last.extend(unplaced().into_iter().flat_map(of_resource));
    }
    areas
}

fn of_resource(resource: &str) -> impl Iterator<Item = OrgatePermission> {
    OrgatePermission::ALL.iter().copied().filter(move |one| resource_of(one.as_str()) == resource)
}

/// What permissions are about that no area names.
fn unplaced() -> BTreeSet<&'static str> {
    let known: BTreeSet<_> =
        AREAS.iter().flat_map(|(_, rows)| *rows).map(|(resource, _)| *resource).collect();
    let all = OrgatePermission::ALL.iter().map(|permission| resource_of(permission.as_str()));
    all.filter(|resource| !known.contains(resource)).collect()
}

/// What has a box among Orgate's own.
fn placed(areas: &[Area]) -> BTreeSet<&str> {
    let rows = areas.iter().flat_map(|area| &area.rows);
    let boxes = rows.flat_map(|row| row.read.iter().chain(&row.manage).chain(&row.other).chain([&row.all]));
    boxes.map(|one| one.text.as_str()).chain([EVERYTHING]).collect()
}

/// Everything that is not Orgate's own, by resource: what is ticked, and what is declared; and how many of these are too many.
fn applications(ticks: &Ticks<'_>, declared: &[Declared], own: &BTreeSet<&str>) -> (Vec<Application>, usize) {
    let mut resources: BTreeMap<&str, (BTreeSet<&str>, BTreeSet<&str>)> = BTreeMap::new();
    for text in ticks.ticked.iter().filter(|text| !own.contains(text.as_str())) {
        resources.entry(first_of(text)).or_default().0.insert(text);
    }
    let mut room = MAX_DECLARED;
    let mut left_out = 0;
    for Declared { name, permissions } in declared {
        for text in permissions.iter().filter(|text| !own.contains(text.as_str())) {
            let known = resources.get(first_of(text)).is_some_and(|(texts, _)| texts.contains(text.as_str()));
            if room == 0 && !known {
                left_out += 1;
                continue;
            }
            let (texts, names) = resources.entry(first_of(text)).or_default();
            room -= usize::from(texts.insert(text));
            names.insert(name.as_str());
        }
    }
    let group = |(resource, (texts, names)): (&str, (BTreeSet<&str>, BTreeSet<&str>))| {
        let wildcard = format!("{resource}:*");
        let each = texts.into_iter().filter(|text| *text != wildcard);
        Application {
            resource: resource.to_owned(),
            declared_by: Vec::from_iter(names).join(", "),
            each: each.map(|text| ticks.permission(text, text.to_owned(), "")).collect(),
            all: ticks.permission(&wildcard, wildcard.clone(), ""),
        }
    };
    (resources.into_iter().map(group).collect(), left_out)
}

fn first_of(text: &str) -> &str {
    text.split(':').next().unwrap_or_default()
}

fn resource_of(text: &str) -> &str {
    text.split(':').nth(1).unwrap_or_default()
}

fn action_of(text: &str) -> &str {
    text.split(':').nth(2).unwrap_or_default()
}

/// What these permissions let somebody do, in a few words.
pub(crate) fn summary(permissions: &BTreeSet<String>) -> String {
    let held = Held::of(permissions.iter().map(String::as_str));
    let (mut manages, mut sees) = (Vec::new(), Vec::new());
    for (resource, about) in AREAS.iter().flat_map(|(_, rows)| *rows) {
        let of_it = OrgatePermission::ALL.iter().filter(|one| resource_of(one.as_str()) == *resource);
        let has: BTreeSet<_> =
            of_it.filter(|one| held.has(**one)).map(|one| action_of(one.as_str())).collect();
        if has.iter().any(|action| *action != "read") {
            manages.push(*about);
        } else if !has.is_empty() {
            sees.push(*about);
        }
    }
    let foreign = permissions.iter().map(|text| first_of(text)).filter(|first| *first != "orgate");
    let resources: BTreeSet<_> = foreign.collect();
    let mut said = Vec::new();
    if held.covers(EVERYTHING) {
        said.push("everything here".to_owned());
    } else {
        said.extend(listed("manages", &manages));
        said.extend(listed("sees", &sees));
    }
    said.extend(listed("uses", &Vec::from_iter(resources)));
    if said.is_empty() { "Nothing yet".to_owned() } else { words(&said.join("; ")) }
}

/// The first few of some things, and how many more there are.
fn listed(verb: &str, what: &[&str]) -> Option<String> {
    const SAID: usize = 3;
    let first: Vec<_> = what.iter().take(SAID).copied().collect();
    let more = what.len().saturating_sub(SAID);
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!first.is_empty()).then(|| format!("{verb} {}{tail}", first.join(", ")))
}

#[cfg(test)]
mod tests {
    use orgate_domain::names::DisplayName;

    use super::*;

    fn set(texts: &[&str]) -> BTreeSet<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    fn declared(name: &str, permissions: &[&str]) -> Declared {
        Declared { name: DisplayName::parse(name).expect("a name"), permissions: set(permissions) }
    }

    fn boxes(matrix: &Matrix) -> Vec<&PermissionBox> {
        let rows = matrix.areas.iter().flat_map(|area| &area.rows);
        let own = rows.flat_map(|row| row.read.iter().chain(&row.manage).chain(&row.other).chain([&row.all]));
        let foreign = matrix.applications.iter().flat_map(|one| one.each.iter().chain([&one.all]));
        own.chain(foreign).chain([&matrix.everything]).collect()
    }

    #[test]
    fn every_permission_of_the_catalogue_has_one_box_with_its_sentence() {
        let (nothing, all) = (BTreeSet::new(), |_: &str| true);
        let ticks = Ticks::of((&nothing, &nothing), None, Some(&all));

        let matrix = Matrix::of(&ticks, &[]);

        for permission in OrgatePermission::ALL {
            let found: Vec<_> =
                boxes(&matrix).into_iter().filter(|one| one.text == permission.as_str()).collect();
            assert!(matches!(found[..], [one] if one.meaning == permission.meaning()), "{permission:?}");
        }
        assert!(unplaced().is_empty(), "without a name for people: {:?}", unplaced());
        assert!(boxes(&matrix).iter().all(|one| one.is_open && !one.is_ticked && !one.is_included));
    }

    #[test]
    fn whatever_is_in_a_role_has_a_box_and_wildcards_include_what_they_cover() {
        let nothing = BTreeSet::new();
        let held = set(&["orgate:users:*", "orgate:former:read", "notes:write", "deep:down:read"]);
        let ticks = Ticks::of((&held, &nothing), None, None);

        let matrix = Matrix::of(&ticks, &[declared("Notes", &["notes:read", "notes:write"])]);

        let ticked: BTreeSet<_> =
            boxes(&matrix).into_iter().filter(|one| one.is_ticked).map(|one| one.text.clone()).collect();
        assert_eq!(ticked, held);
        let included: Vec<_> =
            boxes(&matrix).into_iter().filter(|one| one.is_included).map(|one| one.text.as_str()).collect();
        assert_eq!(included, ["orgate:users:read", "orgate:users:manage"]);
        let notes = matrix.applications.iter().find(|one| one.resource == "notes").expect("declared");
        assert_eq!((notes.declared_by.as_str(), notes.each.len()), ("Notes", 2));
        assert!(matrix.shows("notes:*") && !matrix.shows("notes:fly"));
    }

    #[test]
    fn what_is_not_to_be_given_is_closed_and_not_ticked() {
        let (nothing, wanted) = (BTreeSet::new(), set(&["orgate:users:read", "notes:write"]));
        let gives = |text: &str| text != "orgate:users:read";
        let wrong = Some(("orgate:users:read", "You do not hold it."));
        let ticks = Ticks::of((&wanted, &nothing), wrong, Some(&gives));

        let matrix = Matrix::of(&ticks, &[]);

        let all = boxes(&matrix);
        let closed: Vec<_> = all.iter().filter(|one| !one.is_open).collect();
        assert!(matches!(closed[..], [one] if !one.is_ticked && one.wrong.is_some()));
        assert!(all.iter().any(|one| one.text == "notes:write" && one.is_ticked));
    }

    #[test]
    fn so_many_that_are_declared_have_a_box_and_the_rest_is_counted() {
        let (nothing, all) = (BTreeSet::new(), |_: &str| true);
        let many: Vec<_> = (0..250).map(|n| format!("notes:do{n}")).collect();
        let many = declared("Notes", &many.iter().map(String::as_str).collect::<Vec<_>>());
        let ticks = Ticks::of((&nothing, &nothing), None, Some(&all));

        let matrix = Matrix::of(&ticks, &[many]);

        assert_eq!((matrix.applications[0].each.len(), matrix.left_out), (200, 50));
    }

    #[test]
    fn a_role_is_said_in_a_few_words() {
        for (permissions, said) in [
            (&[][..], "Nothing yet"),
            (&["orgate:*"], "Everything here"),
            (&["orgate:users:read", "orgate:groups:*"], "Manages groups; sees users"),
            (&["notes:write", "notes:read"], "Uses notes"),
            (
                &[
                    "orgate:users:*",
                    "orgate:groups:*",
                    "orgate:roles:*",
                    "orgate:domains:*",
                    "orgate:api_keys:*",
                ],
                "Manages users, groups, roles and 2 more",
            ),
        ] {
            assert_eq!(summary(&set(permissions)), said);
        }
    }
}
