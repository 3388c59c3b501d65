//! Text fields of a form: what stands in them, and what stood there when it was shown.

use super::meanwhile::{ChangedField, Raced, merge};
use crate::fields::Form;

/// The fields: as the management API calls them, and as people do.
pub(crate) type Fields<const N: usize> = [(&'static str, &'static str); N];

/// What stands in each, in their order; empty: nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Texts<const N: usize>(pub(crate) [String; N]);

impl<const N: usize> Texts<N> {
    /// Those of a form whose names begin so.
    pub(crate) fn read(form: &Form, prefix: &str, fields: &Fields<N>) -> Self {
        Self(fields.map(|(name, _)| form.text(&format!("{prefix}{name}")).to_owned()))
    }

    /// Each, by the name of its field.
    pub(crate) fn named(&self, fields: &Fields<N>) -> impl Iterator<Item = (&'static str, &str)> {
        fields.map(|(name, _)| name).into_iter().zip(self.0.iter().map(String::as_str))
    }

    /// What stands in a field.
    pub(crate) fn text(&self, fields: &Fields<N>, field: &str) -> &str {
        self.named(fields).find(|(name, _)| *name == field).map(|(_, text)| text).unwrap_or_default()
    }

    /// These, with what others changed since `seen` where they were not touched themselves; and what that was.
    pub(crate) fn merged(
        mut self,
        (seen, now): (&Self, &Self),
        fields: &Fields<N>,
    ) -> (Self, Vec<ChangedField>) {
        let states = self.0.iter_mut().zip(&seen.0).zip(&now.0).zip(*fields);
        let changes = merge(states.map(|(((mine, seen), now), named)| Raced { named, mine, seen, now }));
        (self, changes)
    }
}
