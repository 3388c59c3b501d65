//! Authentication context classes (OIDC Core §2): the values of `acr`.

/// How strongly a user proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Acr {
    /// By factors of one kind, or of a kind that nobody told us.
    SingleFactor,
    /// By factors of two kinds: what one knows, has or is.
    MultiFactor,
}

impl Acr {
    /// Every value.
    pub const ALL: [Self; 2] = [Self::SingleFactor, Self::MultiFactor];

    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SingleFactor => "urn:orgate:acr:single-factor",
            Self::MultiFactor => "urn:orgate:acr:multi-factor",
        }
    }

    /// Reads [`Acr::as_str`] back.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|acr| acr.as_str() == text)
    }
}
