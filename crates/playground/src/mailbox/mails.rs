//! The mails that are kept, and what is read out of one.
//!
//! **Invariant:** never more than [`MAX_MAILS`] mails and [`MAX_BYTES`] bytes of them: the oldest go first.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mail_parser::{Address, Message, MessageParser, PartType};
use serde::Serialize;

use crate::timestamp::Timestamp;

const MAX_MAILS: usize = 200;
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// A mail as it was received.
pub(super) struct Mail {
    /// Counts from 1.
    pub(super) id: u64,
    pub(super) received_at: Timestamp,
    pub(super) envelope: Envelope,
    pub(super) data: Vec<u8>,
}

/// What SMTP said about a mail, which is what counts; its headers say what they like.
#[derive(Default)]
pub(super) struct Envelope {
    /// `MAIL FROM`; empty for the null reverse-path.
    pub(super) from: String,
    /// `RCPT TO`, in order.
    pub(super) to: Vec<String>,
}

/// The mails, oldest first.
#[derive(Default)]
pub(super) struct Mails(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    mails: VecDeque<Arc<Mail>>,
    bytes: usize,
    count: u64,
}

impl Mails {
    /// Keeps a mail and returns its id.
    pub(super) fn keep(&self, envelope: Envelope, data: Vec<u8>) -> u64 {
        let mut kept = self.kept();
        kept.count += 1;
        kept.bytes += data.len();
        let mail = Mail { id: kept.count, received_at: Timestamp::now(), envelope, data };
        kept.mails.push_back(Arc::new(mail));
        while kept.mails.len() > MAX_MAILS || kept.bytes > MAX_BYTES {
            let Some(oldest) = kept.mails.pop_front() else { break };
            kept.bytes -= oldest.data.len();
        }
        kept.count
    }

    pub(super) fn find(&self, id: u64) -> Option<Arc<Mail>> {
        self.kept().mails.iter().find(|mail| mail.id == id).cloned()
    }

    /// All of them, newest first.
    pub(super) fn list(&self) -> Vec<Arc<Mail>> {
        self.kept().mails.iter().rev().cloned().collect()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a person or a test wants to know of a mail.
#[derive(Serialize)]
pub(super) struct ReadMail {
    pub(super) id: u64,
    pub(super) received_at: Timestamp,
    /// The header's author; without one, the envelope's sender.
    pub(super) from: String,
    /// The envelope's recipients.
    pub(super) to: Vec<String>,
    pub(super) subject: String,
    /// The text part, or the HTML part's text; lines end with LF.
    pub(super) text: String,
    /// The HTML part, as hostile as it came.
    pub(super) html: Option<String>,
}

impl ReadMail {
    pub(super) fn new(mail: &Mail) -> Self {
        let message = MessageParser::default().parse(&mail.data);
        let message = message.as_ref();
        let from = message.and_then(Message::from).and_then(author);
        let subject = message.and_then(Message::subject).map(str::trim).filter(|subject| !subject.is_empty());
        let text = message.and_then(|message| message.body_text(0));
        let text = text.unwrap_or_else(|| String::from_utf8_lossy(&mail.data));
        Self {
            id: mail.id,
            received_at: mail.received_at,
            from: from.unwrap_or_else(|| mail.envelope.from.clone()),
            to: mail.envelope.to.clone(),
            subject: subject.unwrap_or("(no subject)").to_owned(),
            text: text.replace("\r\n", "\n"),
            html: message.and_then(html_part),
        }
    }
}

fn author(from: &Address<'_>) -> Option<String> {
    let author = from.first()?;
    match (author.name(), author.address()) {
        (Some(name), Some(address)) => Some(format!("{name} <{address}>")),
        (None, Some(one)) | (Some(one), None) => Some(one.to_owned()),
        (None, None) => None,
    }
}

/// The HTML that was sent; the parser would make some out of a text.
fn html_part(message: &Message<'_>) -> Option<String> {
    match &message.html_part(0)?.body {
        PartType::Html(html) => Some(html.as_ref().to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(data: &str) -> ReadMail {
        let envelope = Envelope { from: "envelope@orgate.test".into(), to: vec!["ann@acme.test".into()] };
        let mails = Mails::default();
        let id = mails.keep(envelope, data.into());
        ReadMail::new(&mails.find(id).unwrap())
    }

    #[test]
    fn the_oldest_mails_make_room() {
        let mails = Mails::default();

        for _ in 0..MAX_MAILS + 5 {
            mails.keep(Envelope::default(), b"Subject: hello\r\n\r\n".to_vec());
        }

        let ids: Vec<u64> = mails.list().iter().map(|mail| mail.id).collect();
        assert_eq!((ids.len(), ids.first(), ids.last()), (MAX_MAILS, Some(&205), Some(&6)));
        assert!(mails.find(5).is_none());
    }

    #[test]
    fn large_mails_make_room_sooner() {
        let mails = Mails::default();

        for _ in 0..5 {
            mails.keep(Envelope::default(), vec![b'a'; MAX_BYTES / 4]);
        }

        assert_eq!(mails.list().len(), 4);
        assert_eq!(mails.kept().bytes, MAX_BYTES);
    }

    #[test]
    fn a_mail_of_two_parts_is_read() {
        let mail = read(
            "From: =?utf-8?q?Org=C3=A5te?= <no-reply@orgate.test>\r\nSubject: =?utf-8?b?SMOpbGxv?=\r\n\
             Content-Type: multipart/alternative; boundary=b\r\n\r\n\
             --b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
             See https://x.test/?a=3D1\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>See</p>\r\n--b--\r\n",
        );

        assert_eq!((mail.from.as_str(), mail.subject.as_str()), ("Orgåte <no-reply@orgate.test>", "Héllo"));
        assert_eq!(mail.text.trim_end(), "See https://x.test/?a=1");
        assert_eq!(mail.html.as_deref().map(str::trim_end), Some("<p>See</p>"));
    }

    #[test]
    fn a_mail_without_headers_is_read_too() {
        let mail = read("\r\nno headers at all");

        assert_eq!((mail.from.as_str(), mail.subject.as_str()), ("envelope@orgate.test", "(no subject)"));
        assert_eq!((mail.text.as_str(), mail.html), ("no headers at all", None));
    }
}
