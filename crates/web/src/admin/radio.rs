//! One of a few that can be chosen.

/// `templates/admin/radio.html`.
pub(super) struct Radio {
    pub(super) value: &'static str,
    pub(super) label: &'static str,
    /// What follows from it.
    pub(super) hint: String,
    pub(super) is_chosen: bool,
}

impl Radio {
    /// Of this value, which is chosen where that is.
    pub(super) fn of((value, label, hint): (&'static str, &'static str, &str), chosen: &str) -> Self {
        Self { value, label, hint: hint.to_owned(), is_chosen: value == chosen }
    }
}
