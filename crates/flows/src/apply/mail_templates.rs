//! Comparing the mails that an organization words itself.

use std::collections::BTreeMap;

use orgate_domain::mail_templates::MailTemplate;
use orgate_domain::names::Slug;
use orgate_storage::StorageError;

use super::plan::Subject;
use super::planner::{Known, Planner};
use super::wanted::WantedMailTemplate;
use crate::configure::Mark;
use crate::{Env, Failure, mails};

impl Planner<'_> {
    pub(super) async fn mail_templates(
        &mut self,
        (slug, known): (&Slug, &Known),
        wanted: Option<&[WantedMailTemplate]>,
    ) -> Result<(), Failure> {
        let Some(wanted) = wanted else { return Ok(()) };
        let here = (slug, known.scope);
        let stored = list(self.env, known).await?;
        let mut gone: BTreeMap<_, _> = stored.iter().map(|one| ((one.kind, &one.locale), one)).collect();
        let now = self.env.clock.now();
        for template in wanted {
            let (kind, wording) = (template.kind.value, &template.wording);
            if let Err(error) = mails::check(self.env, kind, wording) {
                self.problems.add(&template.kind.place, format!("{}: {error}", error.field));
            }
            let before = gone.remove(&(kind, &template.locale));
            let mark = match before {
                None => Some(Mark::Created),
                Some(before) => Mark::of([
                    ("subject", before.wording.subject != wording.subject),
                    ("text", before.wording.text != wording.text),
                ]),
            };
            let after = MailTemplate {
                kind,
                locale: template.locale.clone(),
                wording: wording.clone(),
                created_at: before.map_or(now, |before| before.created_at),
                updated_at: now,
                failed_at: None,
            };
            self.note(here, mark, Subject::MailTemplate(after));
        }
        for template in gone.into_values() {
            self.note(here, Some(Mark::Removed), Subject::MailTemplate(template.clone()));
        }
        Ok(())
    }
}

async fn list(env: &Env, known: &Known) -> Result<Vec<MailTemplate>, StorageError> {
    if known.is_new {
        return Ok(Vec::new());
    }
    let mut tx = env.store.begin(&known.scope).await?;
    let stored = tx.mail_templates().list().await?;
    tx.commit().await?;
    Ok(stored)
}
