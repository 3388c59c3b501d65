//! A name server with the TXT records that a test gives it, by UDP and TCP.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::TXT;
use hickory_proto::rr::{RData, Record, RecordType};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

/// What fits into a datagram: more is cut off, and asked for again by TCP.
const DATAGRAM: usize = 1232;

/// The strings of one record.
type Strings = Vec<String>;

/// What the server does instead of answering.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fault {
    /// It answers.
    #[default]
    None,
    /// SERVFAIL.
    Fails,
    /// Whoever comes by TCP is hung up on.
    HangsUp,
    /// It says something that is no message.
    Babbles,
}

/// What the server answers.
#[derive(Debug, Default)]
struct Zone {
    records: BTreeMap<String, Vec<Strings>>,
    fault: Fault,
    by_tcp: usize,
}

/// The server; it ends with the test's runtime.
#[derive(Debug, Clone)]
pub struct NameServer {
    /// Where it is asked.
    pub address: SocketAddr,
    zone: Arc<Mutex<Zone>>,
}

impl NameServer {
    /// One without records.
    pub async fn start() -> Self {
        let (listener, socket) = loop {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("an address");
            // The same port may be another's by UDP.
            if let Ok(socket) = UdpSocket::bind(address).await {
                break (listener, socket);
            }
        };
        let server = Self { address: socket.local_addr().expect("an address"), zone: Arc::default() };
        tokio::spawn(by_udp(socket, Arc::clone(&server.zone)));
        let zone = Arc::clone(&server.zone);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(by_tcp(stream, Arc::clone(&zone)));
            }
        });
        server
    }

    /// Puts a TXT record at `name`, beside something else of the zone's owner.
    pub fn set(&self, name: &str, text: &str) {
        self.set_all(name, vec![vec!["v=spf1 -all".to_owned()], vec![text.to_owned()]]);
    }

    /// Puts these TXT records at `name`, each of these strings.
    pub fn set_all(&self, name: &str, records: Vec<Vec<String>>) {
        locked(&self.zone).records.insert(format!("{name}."), records);
    }

    /// Removes the records at `name`.
    pub fn remove(&self, name: &str) {
        locked(&self.zone).records.remove(&format!("{name}."));
    }

    /// Has every question fail, or not.
    pub fn fail(&self, is_failing: bool) {
        self.fault(if is_failing { Fault::Fails } else { Fault::None });
    }

    /// Does this from now on.
    pub fn fault(&self, fault: Fault) {
        locked(&self.zone).fault = fault;
    }

    /// How many questions came by TCP.
    pub fn asked_by_tcp(&self) -> usize {
        locked(&self.zone).by_tcp
    }
}

async fn by_udp(socket: UdpSocket, zone: Arc<Mutex<Zone>>) {
    let mut buffer = [0; 1024];
    while let Ok((length, peer)) = socket.recv_from(&mut buffer).await {
        let question = Message::from_vec(buffer.get(..length).unwrap_or_default()).expect("a question");
        let mut answer = reply(&locked(&zone), &question);
        if answer.len() > DATAGRAM {
            let mut cut = Message::response(question.metadata.id, question.metadata.op_code);
            cut.add_queries(question.queries.clone());
            cut.metadata.truncation = true;
            answer = cut.to_vec().expect("an answer");
        }
        socket.send_to(&answer, peer).await.expect("sent");
    }
}

/// RFC 1035 §4.2.2: each message after its length.
async fn by_tcp(mut stream: TcpStream, zone: Arc<Mutex<Zone>>) {
    while let Ok(length) = stream.read_u16().await {
        let mut buffer = vec![0; length.into()];
        if stream.read_exact(&mut buffer).await.is_err() {
            return;
        }
        let answer = {
            let mut zone = locked(&zone);
            zone.by_tcp += 1;
            if zone.fault == Fault::HangsUp {
                return;
            }
            reply(&zone, &Message::from_vec(&buffer).expect("a question"))
        };
        let length = u16::try_from(answer.len()).expect("at most 64 KiB");
        let sent = [&length.to_be_bytes(), answer.as_slice()].concat();
        if stream.write_all(&sent).await.is_err() {
            return;
        }
    }
}

fn locked(zone: &Mutex<Zone>) -> MutexGuard<'_, Zone> {
    zone.lock().unwrap_or_else(PoisonError::into_inner)
}

fn reply(zone: &Zone, question: &Message) -> Vec<u8> {
    let answer = answer(zone, question).to_vec().expect("an answer");
    match zone.fault {
        // The number of the question is right, and all else is not.
        Fault::Babbles => [answer.get(..2).unwrap_or_default(), &[0xff; 40]].concat(),
        Fault::None | Fault::Fails | Fault::HangsUp => answer,
    }
}

fn answer(zone: &Zone, question: &Message) -> Message {
    let mut answer = Message::response(question.metadata.id, question.metadata.op_code);
    answer.add_queries(question.queries.clone());
    if zone.fault == Fault::Fails {
        answer.metadata.response_code = ResponseCode::ServFail;
        return answer;
    }
    let Some(query) = question.queries.first() else { return answer };
    match zone.records.get(&query.name.to_string().to_lowercase()) {
        Some(records) if query.query_type == RecordType::TXT => {
            for strings in records {
                let data = RData::TXT(TXT::new(strings.clone()));
                answer.add_answer(Record::from_rdata(query.name.clone(), 60, data));
            }
        }
        Some(_) => {}
        None => answer.metadata.response_code = ResponseCode::NXDomain,
    }
    answer
}
