//! A relay between the server and Postgres that counts round trips.
//!
//! Each `Query` and each `Sync` asks for an answer that the sender waits for (the frontend/backend protocol's
//! message flow), so they are what is counted.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

/// The socket's name, which goes with the port in the URL.
const SOCKET: &str = ".s.PGSQL.5432";

/// `SSLRequest` and `GSSENCRequest`: what may come before the first message.
const ENCRYPTION_REQUESTS: [u32; 2] = [80_877_103, 80_877_104];

/// A relay. Dropped, it stops and its socket is removed.
pub(crate) struct Proxy {
    directory: PathBuf,
    round_trips: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

/// Reads what a client sends, in whatever pieces it comes.
#[derive(Default)]
struct Messages {
    pending: Vec<u8>,
    started: bool,
}

impl Proxy {
    /// Relays connections to a socket in `directory`, which is made, to Postgres's.
    pub(crate) fn start(directory: &Path, postgres: &Path) -> Result<Self> {
        fs::create_dir_all(directory)?;
        let listener = UnixListener::bind(directory.join(SOCKET)).context("cannot listen for the server")?;
        let round_trips = Arc::<AtomicU64>::default();
        let (counter, upstream) = (Arc::clone(&round_trips), postgres.join(SOCKET));
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (counter, upstream) = (Arc::clone(&counter), upstream.clone());
                tokio::spawn(async move { relay(client, &upstream, &counter).await });
            }
        });
        Ok(Self { directory: directory.to_owned(), round_trips, task })
    }

    /// How many there were so far, of all connections.
    pub(crate) fn round_trips(&self) -> u64 {
        self.round_trips.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        // What cannot be removed lies in a directory that the next run removes.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

async fn relay(client: UnixStream, upstream: &Path, round_trips: &AtomicU64) -> io::Result<()> {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_postgres, mut to_postgres) = UnixStream::connect(upstream).await?.into_split();
    let asking = async {
        let mut messages = Messages::default();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = from_client.read(&mut buffer).await?;
            let bytes = buffer.get(..count).unwrap_or_default();
            if bytes.is_empty() {
                return to_postgres.shutdown().await;
            }
            round_trips.fetch_add(messages.read(bytes), Ordering::Relaxed);
            to_postgres.write_all(bytes).await?;
        }
    };
    let answering = tokio::io::copy(&mut from_postgres, &mut to_client);
    tokio::select! {
        ended = asking => ended,
        ended = answering => ended.map(|_| ()),
    }
}

impl Messages {
    /// How many of the messages that end in `bytes` ask for an answer.
    fn read(&mut self, bytes: &[u8]) -> u64 {
        self.pending.extend_from_slice(bytes);
        let mut asking = 0;
        while let Some((kind, length)) = self.next() {
            asking += u64::from(matches!(kind, b'Q' | b'S'));
            self.pending.drain(..length);
        }
        asking
    }

    /// The kind and the whole length of the message that comes next, once it is complete. The first of a
    /// connection has no kind: here, zero.
    fn next(&mut self) -> Option<(u8, usize)> {
        let header = usize::from(self.started);
        let length = usize::try_from(self.number(header)?).ok()? + header;
        if self.pending.len() < length {
            return None;
        }
        if self.started {
            return Some((*self.pending.first()?, length));
        }
        self.started = !ENCRYPTION_REQUESTS.contains(&self.number(4)?);
        Some((0, length))
    }

    fn number(&self, at: usize) -> Option<u32> {
        let bytes = self.pending.get(at..at + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: &[u8], body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).expect("short");
        [kind, &length.to_be_bytes(), body].concat()
    }

    #[test]
    fn queries_and_syncs_are_counted_however_they_arrive() {
        let sent = [
            message(b"", &80_877_103_u32.to_be_bytes()),
            message(b"", b"\0\x03\0\0user\0QS\0"),
            message(b"Q", b"select 'SSS'\0"),
            message(b"P", b"\0select 1\0"),
            message(b"B", b"SSSS"),
            message(b"S", b""),
            message(b"X", b""),
        ]
        .concat();
        let (mut at_once, mut by_bytes) = (Messages::default(), Messages::default());

        assert_eq!(at_once.read(&sent), 2);
        assert_eq!(sent.iter().map(|byte| by_bytes.read(&[*byte])).sum::<u64>(), 2);
    }
}
