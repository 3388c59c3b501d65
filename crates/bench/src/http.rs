//! A lean HTTP/1.1 client: it shares the machine with what it measures.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A connection that is kept alive.
pub(crate) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Response<'a> {
    pub(crate) status: u16,
    /// The headers, with the status line.
    pub(crate) head: &'a str,
    pub(crate) body: &'a str,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream =
            TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::with_capacity(16 * 1024) })
    }

    /// Sends one request and reads its answer.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Response<'_>> {
        self.stream.write_all(request).await?;
        self.received.clear();
        let head = self.receive_head().await?;
        let length = content_length(std::str::from_utf8(head_of(&self.received, head))?)?;
        while self.received.len() < head + length {
            self.receive().await?;
        }
        ensure!(self.received.len() == head + length, "there is more than one answer");
        let text = std::str::from_utf8(&self.received).context("the answer is not UTF-8")?;
        let (head, body) = text.split_at_checked(head).context("the head ends inside a character")?;
        Ok(Response { status: status(head)?, head, body })
    }

    /// Reads until the empty line; where the body begins.
    async fn receive_head(&mut self) -> Result<usize> {
        loop {
            if let Some(at) = self.received.windows(4).position(|window| window == b"\r\n\r\n") {
                return Ok(at + 4);
            }
            self.receive().await?;
        }
    }

    async fn receive(&mut self) -> Result<()> {
        let count = self.stream.read_buf(&mut self.received).await?;
        ensure!(count > 0, "the connection was closed");
        Ok(())
    }
}

fn head_of(received: &[u8], length: usize) -> &[u8] {
    received.get(..length).unwrap_or_default()
}

impl Response<'_> {
    /// Fails, quoting the answer, if its status is another.
    pub(crate) fn expect(&self, status: u16) -> Result<()> {
        if self.status == status {
            return Ok(());
        }
        bail!("{status} was expected: {}{}", self.head, self.body)
    }

    /// A header's value; `name` with its colon.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(self.head, name)
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let value = |line: &'a str| {
        let (start, value) = line.split_at_checked(name.len())?;
        start.eq_ignore_ascii_case(name).then(|| value.trim())
    };
    head.split("\r\n").find_map(value)
}

fn content_length(head: &str) -> Result<usize> {
    let length = header(head, "content-length:").with_context(|| format!("no content-length: {head}"))?;
    length.parse().context("content-length")
}

fn status(head: &str) -> Result<u16> {
    head.split(' ').nth(1).and_then(|status| status.parse().ok()).context("this is no answer of HTTP/1.1")
}

/// What stands between the first `before` and the next `after`.
pub(crate) fn between<'a>(text: &'a str, before: &str, after: &str) -> Result<&'a str> {
    let found = text.split_once(before).and_then(|(_, rest)| rest.split_once(after));
    found.map(|(between, _)| between).with_context(|| format!("no {before}…{after} in {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read() {
        let head = "HTTP/1.1 303 See Other\r\nlocation: /a b\r\ncontent-length: 0\r\n\r\n";

        assert_eq!(status(head).expect("a status"), 303);
        assert_eq!(content_length(head).expect("a length"), 0);
        assert_eq!(header(head, "location:"), Some("/a b"));
        assert_eq!(header("HTTP/1.1 200 OK\r\nContent-Length: 0", "content-length:"), Some("0"));
        assert_eq!(between(head, "content-", ": 0").expect("found"), "length");
        assert!(status("nonsense").is_err());
        assert!(content_length("HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
