//! Events of the log, as people read them.

use orgate_flows::manage::StoredEvent;

use crate::moment::Moment;

/// One event: `templates/admin/events.html`.
pub(crate) struct EventLine {
    /// What happened: "Session ended".
    pub(crate) what: String,
    pub(crate) is_refused: bool,
    /// Whether it was in the session of this browser.
    pub(crate) is_here: bool,
    /// Why, from a closed list of the action's own.
    pub(crate) reason: Option<String>,
    /// Who did it.
    pub(crate) who: String,
    /// Their page.
    pub(crate) who_href: Option<String>,
    /// The page of another user, whom it was about.
    pub(crate) about_href: Option<String>,
    /// The device and the address that it came from, as far as they are told.
    pub(crate) from: Option<String>,
    pub(crate) at: Moment,
}

impl EventLine {
    /// The event as anybody may read it: what happened, why, who did it, and when.
    pub(crate) fn new(
        event: &StoredEvent,
        (what, reason): (String, Option<String>),
        (who, at): (String, Moment),
    ) -> Self {
        Self {
            what,
            is_refused: event.outcome != "success",
            is_here: false,
            reason,
            who,
            who_href: None,
            about_href: None,
            from: None,
            at,
        }
    }
}
