//! Mails that an organization words itself.

use orgate_domain::mail_templates::{MailKind, MailLocale, MailTemplate, Wording};
use orgate_tests::fixture::now;

use super::Calls;

impl Calls {
    /// What Acme's words are to Globex: nothing. What is saved last is Globex' own.
    pub(super) async fn mail_templates(&mut self) {
        let template = &MailTemplate {
            kind: MailKind::Invitation,
            locale: MailLocale::fallback(),
            wording: Wording { subject: "Hi".to_owned(), text: "Hi".to_owned() },
            created_at: now(),
            updated_at: now(),
            failed_at: None,
        };
        let mut tx = self.fixture.acme.begin().await;
        tx.mail_templates().save(template).await.expect("a template");
        tx.commit().await.expect("a commit");
        let key = (template.kind, &template.locale);
        let locales = std::slice::from_ref(&template.locale);
        calls! { self, tx;
            "MailTemplates::find" => tx.mail_templates().find(key);
            "MailTemplates::find_first" => tx.mail_templates().find_first(template.kind, locales);
            "MailTemplates::list" => tx.mail_templates().list();
            "MailTemplates::fail" => tx.mail_templates().fail(template, now());
            "MailTemplates::delete" => tx.mail_templates().delete(key);
            "MailTemplates::save" => tx.mail_templates().save(template);
        }
    }
}
