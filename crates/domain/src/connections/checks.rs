//! What any part of a connection's settings has to be.

use std::collections::BTreeSet;

use url::Url;

use super::{MAX_RULES, SettingsProblem};
use crate::names::Slug;

/// Characters in any one text.
const MAX_TEXT: usize = 1024;

/// Bytes that may stand between groups.
const MAX_SEPARATOR: usize = 8;

pub(super) fn problem<T>(field: &'static str, why: &str) -> Result<T, SettingsProblem> {
    Err(SettingsProblem { field, why: why.to_owned() })
}

pub(super) fn check_text(field: &'static str, text: &str) -> Result<(), SettingsProblem> {
    if text.trim().is_empty() {
        return problem(field, "it is empty");
    }
    if text.len() > MAX_TEXT || text.chars().any(char::is_control) {
        return problem(field, &format!("at most {MAX_TEXT} bytes, on one line"));
    }
    Ok(())
}

pub(super) fn check_separator(separator: &str) -> Result<(), SettingsProblem> {
    if separator.is_empty() || separator.len() > MAX_SEPARATOR || separator.chars().any(char::is_control) {
        let why = format!(
            "groups_separator is 1 to {MAX_SEPARATOR} bytes, on one line; leave it out if not needed"
        );
        return problem("mapping", &why);
    }
    Ok(())
}

pub(super) fn check_count(field: &'static str, count: usize, most: usize) -> Result<(), SettingsProblem> {
    if count > most { problem(field, &format!("at most {most} of them")) } else { Ok(()) }
}

pub(super) fn check_slugs(field: &'static str, slugs: &BTreeSet<String>) -> Result<(), SettingsProblem> {
    check_count(field, slugs.len(), MAX_RULES)?;
    match slugs.iter().find(|slug| Slug::parse(slug).is_err()) {
        Some(slug) => problem(field, &format!("`{}` is not a slug", slug.escape_debug())),
        None => Ok(()),
    }
}

pub(super) fn check_address(field: &'static str, text: &str) -> Result<(), SettingsProblem> {
    check_text(field, text)?;
    match Url::parse(text) {
        Ok(url)
            if matches!(url.scheme(), "https" | "http")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
                && url.fragment().is_none() =>
        {
            Ok(())
        }
        _ => problem(field, "an https:// address, without a user or a fragment"),
    }
}
