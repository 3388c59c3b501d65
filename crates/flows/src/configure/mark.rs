//! What happens to a thing, in words for plans and events.

/// What happens to a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mark {
    /// These parts of it change.
    Changed(Vec<&'static str>),
    /// It is made.
    Created,
    /// It is taken away.
    Removed,
}

impl Mark {
    /// The names of the parts that differ, as a change; `None` if none does.
    pub(crate) fn of<const N: usize>(parts: [(&'static str, bool); N]) -> Option<Self> {
        let differing: Vec<_> =
            parts.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect();
        (!differing.is_empty()).then_some(Self::Changed(differing))
    }

    /// Whether this part changes.
    pub(crate) fn touches(&self, part: &str) -> bool {
        matches!(self, Self::Changed(parts) if parts.contains(&part))
    }

    /// Whether nothing but this part changes.
    pub(crate) fn is_only(&self, part: &str) -> bool {
        matches!(self, Self::Changed(parts) if parts.as_slice() == [part])
    }

    /// The text of events.
    pub(crate) fn detail(&self) -> String {
        match self {
            Self::Changed(parts) => parts.join(" "),
            Self::Created => "created".to_owned(),
            Self::Removed => "removed".to_owned(),
        }
    }
}
