//! The mailbox: takes any mail by SMTP, delivers none, and shows them on a page.
//!
//! **Invariant:** what it holds is bounded, whatever it is sent, and is shown to no web site: the pages answer only
//! under names that cannot be pointed at this machine from outside.

use std::{io, sync::Arc};

use tokio::net::TcpListener;

mod linkify;
mod mails;
mod pages;
mod smtp;

use mails::Mails;

/// Receives mails on `smtp` (RFC 5321, without TLS or authentication) and shows them on `http`, until `shutdown` is
/// done. The newest 200 mails are kept, in memory, each at most 1 MiB; all together at most 32 MiB.
///
/// `GET /mails.json` lists them, newest first, for programs.
///
/// # Errors
/// If the HTTP server fails. What goes wrong with one connection ends that connection only.
pub async fn serve_mailbox(
    smtp: TcpListener,
    http: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let mails = Arc::new(Mails::default());
    tokio::select! {
        never = smtp::serve(smtp, Arc::clone(&mails)) => match never {},
        result = crate::http::serve(http, pages::router(mails), shutdown) => result,
    }
}
