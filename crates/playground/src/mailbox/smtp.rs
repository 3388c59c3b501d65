//! An SMTP server (RFC 5321) that accepts every mail for every recipient and keeps it.
//!
//! **Invariant:** a connection holds at most one mail of [`MAX_MAIL_BYTES`] and one command line in memory, and is
//! closed when its client is silent for [`TIMEOUT`].

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};

use super::mails::{Envelope, Mails};

mod command;
mod data;

use command::{Command, CommandError};
use data::{DataDecoder, Decoded};

/// RFC 5321 §4.5.3.1.7 asks for at least 64 KiB.
pub(super) const MAX_MAIL_BYTES: usize = 1024 * 1024;
/// RFC 5321 §4.5.3.1.8.
const MAX_RECIPIENTS: usize = 100;
/// RFC 5321 §4.5.3.1.4, with room for parameters.
const MAX_COMMAND_BYTES: u64 = 1024;
/// Also how long one mail may take. RFC 5321 §4.5.3.2.7.
const TIMEOUT: Duration = Duration::from_mins(5);
/// A client that is refused this often speaks something else.
const MAX_ERRORS: usize = 10;
const MAX_CONNECTIONS: usize = 64;

/// Accepts connections for as long as it is polled; dropped, it cuts off those that are open.
pub(super) async fn serve(listener: TcpListener, mails: Arc<Mails>) -> Infallible {
    let mut connections = JoinSet::new();
    loop {
        let accepted = listener.accept().await;
        while connections.try_join_next().is_some() {}
        match accepted {
            // Dropping the connection is the shortest way to say so.
            Ok(_) if connections.len() >= MAX_CONNECTIONS => {}
            Ok((stream, _)) => {
                let conversation = Conversation::new(stream, Arc::clone(&mails));
                connections.spawn(async move {
                    if let Err(error) = conversation.hold().await {
                        tracing::debug!(%error, "an SMTP connection broke");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "an SMTP connection could not be accepted");
                sleep(Duration::from_secs(1)).await; // accept(2) fails when descriptors run out: some come back
            }
        }
    }
}

/// One connection.
struct Conversation {
    stream: BufStream<TcpStream>,
    mails: Arc<Mails>,
    phase: Phase,
    errors: usize,
}

/// What has been said so far (RFC 5321 §4.1.4).
enum Phase {
    /// Nothing: `EHLO` or `HELO` must come.
    Connected,
    Greeted,
    /// `MAIL` has been given, and these recipients.
    Envelope(Envelope),
}

impl Conversation {
    fn new(stream: TcpStream, mails: Arc<Mails>) -> Self {
        Self { stream: BufStream::new(stream), mails, phase: Phase::Connected, errors: 0 }
    }

    async fn hold(mut self) -> io::Result<()> {
        self.reply("220 localhost ESMTP mailbox for development, delivers nothing").await?;
        while let Some(line) = timeout(TIMEOUT, self.read_command_line()).await?? {
            let reply = match Command::parse(&line) {
                Ok(Command::Data) => match self.receive().await? {
                    Some(reply) => reply,
                    None => return Ok(()),
                },
                Ok(Command::Quit) => return self.reply("221 localhost closes the connection").await,
                Ok(command) => self.obey(command),
                // Where the next command begins is no longer sure.
                Err(error @ CommandError::Line) => return self.reply(error.reply()).await,
                Err(error) => error.reply(),
            };
            self.reply(reply).await?;
            self.errors += usize::from(reply.starts_with(['4', '5']));
            if self.errors == MAX_ERRORS {
                return self.reply("421 too many errors").await;
            }
        }
        Ok(())
    }

    /// A line with its end, or as much of it as may be read; `None` once the client has gone.
    async fn read_command_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let read = (&mut self.stream).take(MAX_COMMAND_BYTES).read_until(b'\n', &mut line).await?;
        Ok((read > 0).then_some(line))
    }

    /// What to answer to a command that needs no more reading.
    fn obey(&mut self, command: Command) -> &'static str {
        match (command, &mut self.phase) {
            (Command::Ehlo, _) => {
                self.phase = Phase::Greeted;
                return EXTENSIONS;
            }
            (Command::Helo, _) => self.phase = Phase::Greeted,
            (Command::Mail { from }, Phase::Greeted) => {
                self.phase = Phase::Envelope(Envelope { from, to: Vec::new() });
            }
            (Command::Rcpt { .. }, Phase::Envelope(envelope)) if envelope.to.len() == MAX_RECIPIENTS => {
                return "452 too many recipients";
            }
            (Command::Rcpt { to }, Phase::Envelope(envelope)) => envelope.to.push(to),
            (Command::Rset, _) => drop(self.take_envelope()),
            (Command::Noop, _) => {}
            (Command::Vrfy, _) => return "252 every recipient is accepted",
            (Command::Mail { .. } | Command::Rcpt { .. } | Command::Data | Command::Quit, _) => {
                return BAD_SEQUENCE;
            }
        }
        "250 OK"
    }

    /// `DATA` (RFC 5321 §4.1.1.4): the answer, or `None` if the client went before the mail's end.
    async fn receive(&mut self) -> io::Result<Option<&'static str>> {
        let Some(envelope) = self.take_envelope() else { return Ok(Some(BAD_SEQUENCE)) };
        if envelope.to.is_empty() {
            return Ok(Some("554 no valid recipients"));
        }
        self.reply("354 end with <CRLF>.<CRLF>").await?;
        Ok(timeout(TIMEOUT, self.read_data()).await??.map(|decoded| match decoded {
            Decoded::Mail(data) => {
                self.mails.keep(envelope, data);
                "250 kept"
            }
            Decoded::TooLarge => CommandError::TooLarge.reply(),
        }))
    }

    /// The mail's content; `None` if the client went before its end.
    async fn read_data(&mut self) -> io::Result<Option<Decoded>> {
        let mut decoder = DataDecoder::new(MAX_MAIL_BYTES);
        loop {
            let bytes = self.stream.fill_buf().await?;
            if bytes.is_empty() {
                return Ok(None);
            }
            let length = bytes.len();
            match decoder.decode(bytes) {
                Some(consumed) => {
                    self.stream.consume(consumed);
                    return Ok(Some(decoder.finish()));
                }
                None => self.stream.consume(length),
            }
        }
    }

    fn take_envelope(&mut self) -> Option<Envelope> {
        let Phase::Envelope(envelope) = &mut self.phase else { return None };
        let envelope = std::mem::take(envelope);
        self.phase = Phase::Greeted;
        Some(envelope)
    }

    async fn reply(&mut self, lines: &str) -> io::Result<()> {
        self.stream.write_all(lines.as_bytes()).await?;
        self.stream.write_all(b"\r\n").await?;
        self.stream.flush().await
    }
}

const BAD_SEQUENCE: &str = "503 bad sequence of commands";
/// The answer to `EHLO` (RFC 1870, RFC 6152, RFC 2920, RFC 6531), with [`MAX_MAIL_BYTES`].
const EXTENSIONS: &str =
    "250-localhost\r\n250-8BITMIME\r\n250-PIPELINING\r\n250-SMTPUTF8\r\n250 SIZE 1048576";
