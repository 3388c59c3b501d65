//! Every page of the front channel is in the one list that the browser's journeys and pictures go by: `tests/browser/lib/pages.mjs`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use orgate_web::{ADMIN_PAGES, OF_ANOTHER};

const LIST: &str = include_str!("../browser/lib/pages.mjs");

/// What stands between `before` and the next quote, each time.
fn quoted<'a>(text: &'a str, before: &str) -> Vec<&'a str> {
    text.split(before).skip(1).filter_map(|rest| rest.split('\'').next()).collect()
}

/// The paths of all routes that answer a GET and are written out, rather than made of [`ADMIN_PAGES`].
fn routes(directory: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            found.append(&mut routes(&entry));
            continue;
        }
        let source = fs::read_to_string(&entry).expect("a file");
        let source = source.split("#[cfg(test)]").next().expect("what is before");
        for route in source.split(".route(").skip(1) {
            let route =
                route.split(".route(").next().expect("one of them").split(';').next().expect("a chain");
            let Some((path, methods)) = route.trim().split_once(',') else { continue };
            let reads = methods.split(['(', ' ', '.', '\n']).any(|word| word == "get");
            if reads && path != "path" {
                found.insert(resolved(path, source));
            }
        }
    }
    found
}

/// A path as it is written: a text, or a constant of this file or of the flows.
fn resolved(path: &str, source: &str) -> String {
    let flows = include_str!("../../crates/flows/src/administration/client.rs");
    let text = |text: &str| text.split('"').nth(1).map(str::to_owned);
    let constant = |source: &str| text(source.split_once(&format!("const {path}: &str ="))?.1);
    let found = if path.starts_with('"') { text(path) } else { constant(source).or_else(|| constant(flows)) };
    found.unwrap_or_else(|| panic!("which path is {path}?"))
}

/// The templates below a directory: where each is, and what it says.
fn templates(directory: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            found.append(&mut templates(&entry));
        } else {
            let text = fs::read_to_string(&entry).expect("a file");
            found.push((entry.display().to_string(), text));
        }
    }
    found
}

/// Whoever sends a form that is refused is where it says why, also without script.
#[test]
fn the_focus_is_on_whatever_says_that_a_form_was_refused() {
    let mut alerts = 0;
    for (file, text) in templates(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/web/templates")) {
        for tag in text.split('<').filter(|tag| tag.contains("class=\"alert\"")) {
            let tag = tag.split('>').next().unwrap_or_default();
            assert!(tag.contains("tabindex=\"-1\"") && tag.contains("autofocus"), "{file}: <{tag}>");
            alerts += 1;
        }
    }
    assert!(alerts > 20, "{alerts}");
}

#[test]
fn every_page_that_is_routed_is_in_the_list_of_the_journeys_and_nothing_else_is() {
    let listed: BTreeSet<_> =
        quoted(LIST, "path: '").into_iter().chain(quoted(LIST, "\n  ['")).map(str::to_owned).collect();
    let mut routed = routes(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/web/src"));
    assert!(routed.contains("/account/sessions") && routed.contains("/setup/new"), "{routed:?}");
    let pages = ADMIN_PAGES.iter().filter(|page| page.method == "GET");
    routed.extend(pages.map(|page| format!("/admin/{{organization}}{}", page.path)));

    let missing: Vec<_> = routed.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&routed).collect();

    assert!(
        missing.is_empty(),
        "not in tests/browser/lib/pages.mjs, as a page or among NO_PAGES: {missing:?}"
    );
    assert!(gone.is_empty(), "in tests/browser/lib/pages.mjs, and no route: {gone:?}");
}

#[test]
fn the_list_says_which_pages_are_shown_of_other_organizations() {
    assert_eq!(OF_ANOTHER, "/organizations/{other}", "as lib/pages.mjs has it");
    for page in ADMIN_PAGES.iter().filter(|page| page.method == "GET") {
        let path = format!("/admin/{{organization}}{}", page.path);
        if quoted(LIST, "\n  ['").contains(&path.as_str()) {
            continue; // no page
        }
        let path = format!("path: '{path}'");
        let line = LIST.lines().find(|line| line.contains(&path)).unwrap_or_else(|| panic!("{path}"));

        assert_eq!(line.contains("ofOthers: true"), page.is_shown_of_others(), "{line}");
    }
}
