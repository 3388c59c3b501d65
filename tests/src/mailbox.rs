//! A mail server that tests read.

use orgate_flows::deliver::{Mailer, deliver};
use orgate_playground::serve_mailbox;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::app::{App, client};

/// A mail server, and what it received.
#[derive(Debug)]
pub struct Mailbox {
    /// Where it takes mail.
    pub smtp: String,
    pages: String,
    _open: oneshot::Sender<()>,
}

impl Mailbox {
    /// One on a port of its own.
    pub async fn open() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.expect("a port")).await
    }

    /// One that takes mail on this listener.
    pub async fn on(smtp: TcpListener) -> Self {
        let pages = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let mailbox = (smtp_url(&smtp), format!("http://{}", pages.local_addr().expect("an address")));
        let (open, closed) = oneshot::channel::<()>();
        tokio::spawn(serve_mailbox(smtp, pages, async { drop(closed.await) }));
        Self { smtp: mailbox.0, pages: mailbox.1, _open: open }
    }

    /// Empties the outbox, once; how many messages were due.
    pub async fn collect(&self, app: &App) -> usize {
        send_what_is_due(app, &self.smtp).await
    }

    /// The mails, newest first.
    pub async fn mails(&self) -> Vec<Value> {
        let reply = client().get(format!("{}/mails.json", self.pages)).send().await.expect("answered");
        reply.json().await.expect("a list")
    }
}

/// Where mail is taken.
pub fn smtp_url(listener: &TcpListener) -> String {
    format!("smtp://{}", listener.local_addr().expect("an address"))
}

/// Empties the outbox of an application, once; how many messages were due.
pub async fn send_what_is_due(app: &App, smtp_url: &str) -> usize {
    let mailer = Mailer::new(smtp_url, "Orgate <no-reply@orgate.test>").expect("a mailer");
    deliver(&app.env, &mailer).await.expect("the outbox can be read")
}
