//! A box of a form that gives roles or groups, and of which some may be closed.

use std::collections::BTreeSet;

use orgate_domain::names::Slug;
use orgate_flows::manage::ChangeError;

use crate::fields::Form;

/// `templates/admin/choice.html`.
#[expect(clippy::struct_excessive_bools, reason = "each is a state of its own that the box shows")]
pub(super) struct Choice {
    pub(super) slug: String,
    pub(super) name: String,
    /// What else there is to know.
    pub(super) note: String,
    pub(super) is_held: bool,
    /// Whether its box is ticked: as it is held, or as it was in a form that was refused.
    pub(super) is_ticked: bool,
    /// Whether it is the reader's to give and to take.
    pub(super) is_open: bool,
    /// Whether somebody else changed it meanwhile.
    pub(super) is_changed: bool,
}

impl Choice {
    /// Of what is called so, that may be chosen or not, and is ticked or not; that is held or not, and was changed by others.
    pub(super) fn of(
        (slug, name): (&str, &str),
        (is_open, ticked): (bool, &BTreeSet<String>),
        (held, changed): (&BTreeSet<String>, &BTreeSet<String>),
    ) -> Self {
        let is_held = held.contains(slug);
        Self {
            slug: slug.to_owned(),
            name: name.to_owned(),
            note: if slug == name { String::new() } else { slug.to_owned() },
            is_held,
            is_ticked: if is_open { ticked.contains(slug) } else { is_held },
            is_open,
            is_changed: changed.contains(slug),
        }
    }
}

/// What such a form wants, of what is there now: what it did not show stays. `shown` are the fields of what is ticked, and of what
/// was held by a box that is open.
pub(super) fn chosen(
    form: &Form,
    shown: (&str, &str),
    (now, pointer): (&BTreeSet<String>, &str),
) -> Result<Vec<Slug>, ChangeError> {
    let (ticked, held) = (form.set(shown.0), form.set(shown.1));
    let dropped = &held - &ticked;
    let slugs = now.iter().filter(|slug| !dropped.contains(*slug)).chain(&ticked).collect::<BTreeSet<_>>();
    let slugs = slugs.into_iter().map(|slug| Slug::parse(slug));
    slugs.collect::<Result<_, _>>().map_err(|error| ChangeError::invalid(pointer, error.to_string()))
}
