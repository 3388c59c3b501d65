//! The organization's id.

use std::{fmt, str::FromStr};

/// The prefix of every organization id, and of nothing else that Orgate issues.
const PREFIX: &str = "org_";

/// Longest accepted id in bytes; Orgate's have 30.
const MAX_BYTES: usize = 64;

/// The id of an organization: `org_` and ASCII letters and digits, at most 64 bytes.
///
/// It never changes and is never given to another organization, so it is what a backend's rows should carry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrgId(String);

impl OrgId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `text` claims to be an id, in any case: such text is never compared with a slug.
    pub(crate) fn is_claimed_by(text: &str) -> bool {
        text.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
    }
}

impl fmt::Display for OrgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for OrgId {
    type Err = InvalidOrgId;

    fn from_str(text: &str) -> Result<Self, InvalidOrgId> {
        let suffix = text.strip_prefix(PREFIX).ok_or(InvalidOrgId)?;
        let shaped = !suffix.is_empty() && suffix.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if shaped && text.len() <= MAX_BYTES { Ok(Self(text.to_owned())) } else { Err(InvalidOrgId) }
    }
}

/// The text is not an organization id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an organization id")]
pub struct InvalidOrgId;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_shape_of_an_id_is_an_id() {
        for good in ["org_1", "org_01jd8zk6v8e5wsm3r1q2t4y6x7"] {
            assert_eq!(good.parse::<OrgId>().map(|id| id.to_string()), Ok(good.to_owned()));
        }
        let long = format!("org_{}", "a".repeat(61));
        for bad in ["", "org_", "acme", "ORG_1", "usr_1", " org_1", "org_1/2", "org_é", "org__1", &long] {
            assert_eq!(bad.parse::<OrgId>(), Err(InvalidOrgId), "{bad:?}");
        }
    }
}
