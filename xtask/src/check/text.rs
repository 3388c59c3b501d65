//! Text that must not be committed: what only holds on one machine.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::{Outcome, verdict};
use crate::workspace;

/// Directories of people, and of workplaces. A path below one begins with it.
const PERSONAL: [&str; 4] = ["/root/", "/home/", "/Users/", "/work/"];

/// What the host of a package registry, or of a mirror of one, is called.
const REGISTRY_WORDS: [&str; 3] = ["registry", "mirror", "artifactory"];

/// Files that have reason to say so: a path and what it may contain.
const ALLOWED: &[(&str, &str)] = &[
    // This one, of course.
    ("xtask/src/check/text.rs", ""),
];

/// Fails for a path of one machine, or a registry's address where no lock file records it.
pub(crate) fn lint() -> Result<Outcome> {
    let mut violations = Vec::new();
    for path in workspace::files()? {
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let Ok(text) = String::from_utf8(bytes) else { continue };
        for (number, line) in text.lines().enumerate() {
            let found =
                personal_path(line).or_else(|| registry_address(line).filter(|_| !is_lock_file(&path)));
            let found = found.filter(|found| !is_allowed(&path, found));
            violations.extend(found.map(|found| format!("{}:{}: {found}", path.display(), number + 1)));
        }
    }
    verdict(&violations)
}

fn is_lock_file(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "Cargo.lock" || name == "package-lock.json")
}

fn is_allowed(path: &Path, found: &str) -> bool {
    ALLOWED.iter().any(|(file, text)| path == Path::new(file) && found.starts_with(text))
}

/// An absolute path below a personal directory.
fn personal_path(line: &str) -> Option<&str> {
    let is_middle = |c: char| c.is_alphanumeric() || "._-~}{)".contains(c);
    PERSONAL.iter().find_map(|directory| {
        let (at, _) =
            line.match_indices(directory).find(|(at, _)| !line.split_at(*at).0.ends_with(is_middle))?;
        Some(word(line.split_at(at).1))
    })
}

/// A URL whose host is a package registry's.
fn registry_address(line: &str) -> Option<&str> {
    let mut urls = ["http://", "https://"].into_iter().flat_map(|scheme| line.match_indices(scheme));
    urls.find_map(|(at, scheme)| {
        let url = word(line.split_at(at).1);
        let host = url.strip_prefix(scheme)?.split(['/', ':']).next()?;
        REGISTRY_WORDS.iter().any(|word| host.contains(word)).then_some(url)
    })
}

/// Up to what cannot be part of a path or a URL.
fn word(text: &str) -> &str {
    text.split(|c: char| c.is_whitespace() || "\"'`<>,;)".contains(c)).next().unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_one_machine_is_found() {
        assert_eq!(personal_path("cd /home/alice/orgate && ls"), Some("/home/alice/orgate"));
        assert_eq!(personal_path(r#"let x = "/root/.cargo";"#), Some("/root/.cargo"));
        assert_eq!(personal_path("file:///work/orgate"), Some("/work/orgate"));
        assert_eq!(personal_path("frame/work/x, ../home/y, https://acme.test/home/, ~/work/"), None);
    }

    #[test]
    fn a_registry_is_known_by_its_host() {
        let address = "https://registry.example:4873/openid-client";

        assert_eq!(registry_address(&format!("from <{address}>")), Some(address));
        assert_eq!(registry_address("https://acme.test/registry"), None);
    }
}
