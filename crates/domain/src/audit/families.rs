//! Actions by what they are about: what somebody looks for in a log of thousands of events.
//!
//! **Invariant:** every action is of one family, which stands beside its name.

use super::Action;

/// What actions are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Applications, their secrets, API keys, and what users let applications have.
    Applications,
    /// Connections to identity providers, domains, and set-up links.
    Connections,
    /// Sign-ins that failed.
    FailedSignIns,
    /// Roles, and groups.
    Roles,
    /// What happens by itself all day: codes, tokens, and what applications ask for.
    Routine,
    /// The organization itself, and whom it tells of what.
    Settings,
    /// Sign-ins that succeeded.
    SignIns,
    /// Sessions that ended.
    SignOuts,
    /// Users, invitations, and requests to join.
    Users,
}

impl Family {
    /// Each of them.
    pub const ALL: [Self; 9] = [
        Self::FailedSignIns,
        Self::SignIns,
        Self::SignOuts,
        Self::Users,
        Self::Roles,
        Self::Connections,
        Self::Applications,
        Self::Settings,
        Self::Routine,
    ];

    /// Those of what somebody decides.
    pub const CHANGES: [Self; 5] =
        [Self::Users, Self::Roles, Self::Connections, Self::Applications, Self::Settings];

    /// Its actions.
    pub fn actions(self) -> impl Iterator<Item = Action> {
        Action::ALL.iter().copied().filter(move |action| action.family() == self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_is_chosen_from_and_has_actions() {
        let all = Action::ALL.iter().filter(|action| Family::ALL.contains(&action.family()));

        assert_eq!(all.count(), Action::ALL.len());
        assert!(Family::ALL.iter().all(|family| family.actions().next().is_some()));
    }

    #[test]
    fn what_somebody_configures_is_no_routine() {
        let routine: Vec<_> = Family::Routine.actions().map(Action::as_str).collect();

        assert!(routine.iter().all(|text| !text.ends_with("configured")), "{routine:?}");
    }
}
