//! What a connection may give at most.
//!
//! **Invariant:** under a ceiling no role is given that it does not name, whether by a rule, by default or
//! by way of a group: whoever set the connection up could have written any rule.

use std::collections::{BTreeMap, BTreeSet};

use super::{ConnectionSettings, Mapped, RoleSlugs};

/// The roles that members of each group have, by the group's slug.
pub type GroupRoles = BTreeMap<String, RoleSlugs>;

/// What was mapped and is not given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Withheld {
    /// Slugs of roles.
    pub roles: RoleSlugs,
    /// Slugs of groups that have a role beyond the ceiling, or are not known.
    pub groups: BTreeSet<String>,
}

impl Withheld {
    /// Whether everything was given.
    pub fn is_empty(&self) -> bool {
        self.roles.is_empty() && self.groups.is_empty()
    }
}

/// Whether a group has no role beyond the ceiling.
fn is_below(ceiling: &RoleSlugs, known: &GroupRoles, group: &str) -> bool {
    known.get(group).is_some_and(|roles| roles.is_subset(ceiling))
}

impl Mapped {
    /// Takes away what is beyond `ceiling`.
    pub fn cut(&mut self, ceiling: &RoleSlugs, known: &GroupRoles) -> Withheld {
        let (roles, above) =
            std::mem::take(&mut self.roles).into_iter().partition(|role| ceiling.contains(role));
        let (groups, beyond) =
            std::mem::take(&mut self.groups).into_iter().partition(|group| is_below(ceiling, known, group));
        self.roles = roles;
        self.groups = groups;
        Withheld { roles: above, groups: beyond }
    }
}

/// The ceiling of what was under `given`, if under any, once it is under `bound` too.
pub fn lowered(given: Option<&RoleSlugs>, bound: &RoleSlugs) -> RoleSlugs {
    given.map_or_else(|| bound.clone(), |given| given.intersection(bound).cloned().collect())
}

impl ConnectionSettings {
    /// What they give under `given`, if under any ceiling, and would not give under `bound`.
    pub fn lost_below(&self, given: Option<&RoleSlugs>, bound: &RoleSlugs, known: &GroupRoles) -> Withheld {
        let Withheld { roles, groups } = self.beyond(bound, known);
        let never = given.map(|given| self.beyond(given, known)).unwrap_or_default();
        Withheld { roles: &roles - &never.roles, groups: &groups - &never.groups }
    }

    /// What rules and defaults name beyond `ceiling`.
    pub fn beyond(&self, ceiling: &RoleSlugs, known: &GroupRoles) -> Withheld {
        let roles = self.rules.iter().flat_map(|rule| &rule.roles).chain(&self.jit.default_roles);
        let groups = self.rules.iter().flat_map(|rule| &rule.groups);
        Withheld {
            roles: roles.filter(|role| !ceiling.contains(*role)).cloned().collect(),
            groups: groups.filter(|group| !is_below(ceiling, known, group)).cloned().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{AddressVerdict, Attributes};
    use super::*;

    fn set(slugs: &[&str]) -> BTreeSet<String> {
        slugs.iter().map(|slug| (*slug).to_owned()).collect()
    }

    #[test]
    fn nothing_beyond_the_ceiling_is_given_not_even_by_way_of_a_group() {
        let mut mapped = Mapped {
            subject: "7".to_owned(),
            address: AddressVerdict::Absent,
            name: None,
            roles: set(&["admin", "viewer"]),
            groups: set(&["bosses", "staff", "unknown"]),
            kept: Attributes::new(),
        };
        let known = GroupRoles::from([
            ("bosses".to_owned(), set(&["admin"])),
            ("staff".to_owned(), set(&["viewer"])),
        ]);

        let withheld = mapped.cut(&set(&["viewer"]), &known);

        assert_eq!((mapped.roles, mapped.groups), (set(&["viewer"]), set(&["staff"])));
        assert_eq!((withheld.roles, withheld.groups), (set(&["admin"]), set(&["bosses", "unknown"])));
    }

    #[test]
    fn rules_and_defaults_are_both_held_against_it() {
        let text = r#"{"provider":{"oidc":{"issuer":"https://idp.test","client_id":"orgate"}},
                       "rules":[{"value":"it","roles":["admin"],"groups":["staff"]}],
                       "jit":{"enabled":true,"default_roles":["owner","viewer"]}}"#;
        let settings: ConnectionSettings = serde_json::from_str(text).expect("settings");
        let known = GroupRoles::from([("staff".to_owned(), set(&[]))]);

        let beyond = settings.beyond(&set(&["viewer"]), &known);

        assert_eq!(beyond, Withheld { roles: set(&["admin", "owner"]), groups: set(&[]) });
        let lost = |given: Option<&[&str]>| {
            let given = given.map(set);
            settings.lost_below(given.as_ref(), &set(&["viewer"]), &known).roles
        };
        assert_eq!(lost(None), set(&["admin", "owner"]));
        assert_eq!(lost(Some(&["admin", "viewer"])), set(&["admin"]), "the owner was withheld before");
        assert_eq!(lost(Some(&["viewer"])), set(&[]));
        assert_eq!(lowered(Some(&set(&["admin", "viewer"])), &set(&["owner", "viewer"])), set(&["viewer"]));
        assert_eq!(lowered(None, &set(&["viewer"])), set(&["viewer"]));
        assert!(settings.beyond(&set(&["viewer", "admin", "owner"]), &known).is_empty());
    }
}
