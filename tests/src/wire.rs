//! What is asked of the database, read off the wire: whatever library asks it, and in however many statements.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::str::FromStr as _;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpStream, UnixStream};
use url::Url;

/// Requests at the beginning of a connection after which another one like them comes: for TLS, and for GSSAPI.
const BEFORE_STARTUP: [[u8; 4]; 2] = [80_877_103_u32.to_be_bytes(), 80_877_104_u32.to_be_bytes()];

/// A listener between Orgate and its database.
#[derive(Debug, Clone)]
pub struct Wire {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Wire {
    /// In front of the database with this URL, for as long as the test runs.
    ///
    /// # Panics
    /// Where there is no port to listen on.
    pub fn in_front_of(url: &str) -> Self {
        let options = PgConnectOptions::from_str(url).expect("the URL of a database");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        listener.set_nonblocking(true).expect("a listener");
        let port = listener.local_addr().expect("an address").port();
        let mut there = Url::parse(url).expect("an address");
        there.set_host(Some("127.0.0.1")).expect("a host");
        there.set_port(Some(port)).expect("a port");
        let rest = there.query_pairs().into_owned().filter(|(name, _)| name != "host" && name != "port");
        let rest: Vec<_> = rest.collect();
        there.query_pairs_mut().clear().extend_pairs(rest);
        let asked = Arc::default();
        let heard = Arc::clone(&asked);
        tokio::spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            while let Ok((from, _)) = listener.accept().await {
                tokio::spawn(pass_on(from, options.clone(), Arc::clone(&heard)));
            }
        });
        Self { url: there.into(), asked }
    }

    /// The URL to connect Orgate with.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What was asked since the last time: the text of each statement that was run, but what begins and ends
    /// transactions.
    pub fn take(&self) -> Vec<String> {
        let asked = std::mem::take(&mut *self.asked.lock().unwrap_or_else(PoisonError::into_inner));
        let is_frame = |text: &str| {
            let text = text.trim_start().to_ascii_lowercase();
            ["begin", "commit", "rollback", "set ", "select set_config"]
                .iter()
                .any(|word| text.starts_with(word))
        };
        asked.into_iter().filter(|text| !is_frame(text)).collect()
    }
}

async fn pass_on(from: TcpStream, options: PgConnectOptions, asked: Arc<Mutex<Vec<String>>>) {
    let (asking, mut answered) = from.into_split();
    if let Some(directory) = options.get_socket() {
        let path = directory.join(format!(".s.PGSQL.{}", options.get_port()));
        let Ok(to) = UnixStream::connect(path).await else { return };
        let (mut answers, mut questions) = to.into_split();
        tokio::join!(listen(asking, &mut questions, &asked), copy_all(&mut answers, &mut answered));
    } else {
        let Ok(to) = TcpStream::connect((options.get_host(), options.get_port())).await else { return };
        let (mut answers, mut questions) = to.into_split();
        tokio::join!(listen(asking, &mut questions, &asked), copy_all(&mut answers, &mut answered));
    }
}

async fn copy_all(answers: &mut (impl tokio::io::AsyncRead + Unpin), answered: &mut OwnedWriteHalf) {
    let _ = copy(answers, answered).await;
    let _ = answered.shutdown().await;
}

/// Passes on what a client says, and notes what it asks, until it hangs up.
async fn listen(
    mut asking: OwnedReadHalf,
    to: &mut (impl tokio::io::AsyncWrite + Unpin),
    asked: &Mutex<Vec<String>>,
) {
    let mut prepared = BTreeMap::new();
    let mut begun = false;
    while let Ok(message) = Message::read(&mut asking, begun).await {
        begun |= message.kind.is_none() && !BEFORE_STARTUP.iter().any(|code| message.body.starts_with(code));
        if let Some(text) = message.asks(&mut prepared) {
            asked.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        }
        if to.write_all(&message.whole()).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}

/// A message of a client's, in protocol 3.0 of Postgres.
struct Message {
    /// The first one of a connection has none.
    kind: Option<u8>,
    body: Vec<u8>,
}

impl Message {
    async fn read(from: &mut OwnedReadHalf, begun: bool) -> std::io::Result<Self> {
        let kind = if begun { Some(from.read_u8().await?) } else { None };
        let length = from.read_u32().await?.saturating_sub(4);
        let mut body = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        from.read_exact(&mut body).await?;
        Ok(Self { kind, body })
    }

    fn whole(&self) -> Vec<u8> {
        let length = u32::try_from(self.body.len() + 4).expect("as long as it was");
        let mut whole: Vec<u8> = self.kind.into_iter().collect();
        whole.extend(length.to_be_bytes());
        whole.extend(&self.body);
        whole
    }

    /// The statement that it runs.
    fn asks(&self, prepared: &mut BTreeMap<String, String>) -> Option<String> {
        let mut texts =
            self.body.split(|byte| *byte == 0).map(|text| String::from_utf8_lossy(text).into_owned());
        match self.kind? {
            b'Q' => texts.next(),
            b'P' => {
                prepared.insert(texts.next()?, texts.next()?);
                None
            }
            b'B' => prepared.get(&texts.nth(1)?).cloned(),
            _ => None,
        }
    }
}
