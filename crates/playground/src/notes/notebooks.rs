//! The notes themselves.
//!
//! **Invariant:** a note is found under the organization it was written in and nowhere else.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use orgate_verify::OrgId;
use serde::Serialize;

use crate::timestamp::Timestamp;

/// How many notes an organization keeps; the oldest go first.
const MAX_NOTES: usize = 100;
/// How long a note may be, in characters.
pub(super) const MAX_CHARS: usize = 500;

/// A note.
#[derive(Clone, Serialize)]
pub(super) struct Note {
    pub(super) text: String,
    pub(super) author: String,
    pub(super) written_at: Timestamp,
}

/// The notes of every organization.
#[derive(Default)]
pub(super) struct Notebooks(Mutex<HashMap<OrgId, VecDeque<Note>>>);

impl Notebooks {
    /// Newest first.
    pub(super) fn list(&self, org_id: &OrgId) -> Vec<Note> {
        self.notes().get(org_id).into_iter().flatten().rev().cloned().collect()
    }

    pub(super) fn add(&self, org_id: &OrgId, note: Note) {
        let mut notes = self.notes();
        let notes = notes.entry(org_id.clone()).or_default();
        notes.push_back(note);
        if notes.len() > MAX_NOTES {
            notes.pop_front();
        }
    }

    fn notes(&self) -> MutexGuard<'_, HashMap<OrgId, VecDeque<Note>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organization_sees_its_own_newest_notes() {
        let (acme, globex): (OrgId, OrgId) = ("org_1".parse().unwrap(), "org_2".parse().unwrap());
        let notebooks = Notebooks::default();

        for number in 0..=MAX_NOTES {
            let note = Note { text: number.to_string(), author: "Ann".into(), written_at: Timestamp(0) };
            notebooks.add(&acme, note);
        }

        let texts: Vec<_> = notebooks.list(&acme).into_iter().map(|note| note.text).collect();
        assert_eq!((texts.len(), texts[0].as_str(), texts[99].as_str()), (100, "100", "1"));
        assert!(notebooks.list(&globex).is_empty());
    }
}
