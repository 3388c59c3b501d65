//! As much of a Postgres client as running a file of SQL takes: simple queries, over a Unix socket, as a user
//! who is trusted.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use anyhow::{Context as _, Result, bail};

/// A session.
pub(crate) struct Session(UnixStream);

impl Session {
    /// Connects to a URL as [`Postgres::url`](orgate_embedded_postgres::Postgres::url) makes it.
    pub(crate) fn connect(url: &str) -> Result<Self> {
        let parts = url
            .strip_prefix("postgres://postgres@localhost:5432/")
            .and_then(|rest| rest.split_once("?host="));
        let (database, directory) = parts.with_context(|| format!("{url} leads to no Unix socket"))?;
        let socket = format!("{}/.s.PGSQL.5432", directory.replace("%2F", "/"));
        let stream = UnixStream::connect(&socket).with_context(|| format!("cannot connect to {socket}"))?;

        let mut session = Self(stream);
        let startup = format!("user\0postgres\0database\0{database}\0\0");
        session.send(&[&[0, 3, 0, 0], startup.as_bytes()].concat(), None)?;
        session.await_answer()?;
        Ok(session)
    }

    /// Runs statements, all in one transaction unless they say otherwise.
    pub(crate) fn run(&mut self, sql: &str) -> Result<()> {
        self.send(format!("{sql}\0").as_bytes(), Some(b'Q'))?;
        self.await_answer()
    }

    /// A message is its kind (the first one of a session has none), the length of what follows, its body.
    fn send(&mut self, body: &[u8], kind: Option<u8>) -> Result<()> {
        let length = u32::try_from(body.len() + 4)?.to_be_bytes();
        let message = [kind.as_slice(), &length, body].concat();
        self.0.write_all(&message).context("Postgres does not read")
    }

    fn await_answer(&mut self) -> Result<()> {
        let mut failure = None;
        loop {
            let [kind, length @ ..] = self.read_array::<5>()?;
            let length = u32::from_be_bytes(length).checked_sub(4).context("a message of no length")?;
            let mut body = vec![0; usize::try_from(length)?];
            self.0.read_exact(&mut body)?;
            match (kind, failure) {
                (b'E', _) => failure = Some(describe(&String::from_utf8_lossy(&body))),
                (b'Z', None) => return Ok(()),
                (b'Z', Some(failure)) => bail!("{failure}"),
                (_, earlier) => failure = earlier,
            }
        }
    }

    fn read_array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.0.read_exact(&mut bytes).context("Postgres has hung up")?;
        Ok(bytes)
    }
}

/// The message of an error, its detail, and where: fields that each begin with a letter and end with a null.
fn describe(fields: &str) -> String {
    let field = |letter| fields.split('\0').find_map(|field| field.strip_prefix(letter));
    let mut text = field('M').unwrap_or("Postgres gave no reason").to_owned();
    for (name, letter) in [("detail", 'D'), ("hint", 'H'), ("at character", 'P'), ("where", 'W')] {
        if let Some(value) = field(letter) {
            text = format!("{text}; {name}: {value}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_its_message_and_where_it_is() {
        let fields = "SERROR\0C42601\0Msyntax error at or near \"creat\"\0P12\0\0";

        assert_eq!(describe(fields), "syntax error at or near \"creat\"; at character: 12");
    }

    #[test]
    fn a_server_elsewhere_is_refused() {
        assert!(Session::connect("postgres://me:secret@db.example/orgate").is_err());
    }
}
