//! A name server with the TXT records that a test gives it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::TXT;
use hickory_proto::rr::{RData, Record, RecordType};
use tokio::net::UdpSocket;

/// What the server answers.
#[derive(Debug, Default)]
struct Zone {
    texts: BTreeMap<String, String>,
    /// Whether every question is answered by SERVFAIL.
    is_failing: bool,
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
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let server = Self { address: socket.local_addr().expect("an address"), zone: Arc::default() };
        let zone = Arc::clone(&server.zone);
        tokio::spawn(async move {
            let mut buffer = [0; 1024];
            while let Ok((length, peer)) = socket.recv_from(&mut buffer).await {
                let question =
                    Message::from_vec(buffer.get(..length).unwrap_or_default()).expect("a question");
                let answer = answer(&locked(&zone), &question);
                socket.send_to(&answer.to_vec().expect("an answer"), peer).await.expect("sent");
            }
        });
        server
    }

    /// Puts a TXT record at `name`.
    pub fn set(&self, name: &str, text: &str) {
        locked(&self.zone).texts.insert(format!("{name}."), text.to_owned());
    }

    /// Removes the record at `name`.
    pub fn remove(&self, name: &str) {
        locked(&self.zone).texts.remove(&format!("{name}."));
    }

    /// Has every question fail, or not.
    pub fn fail(&self, is_failing: bool) {
        locked(&self.zone).is_failing = is_failing;
    }
}

fn locked(zone: &Mutex<Zone>) -> MutexGuard<'_, Zone> {
    zone.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer(zone: &Zone, question: &Message) -> Message {
    let mut answer = Message::response(question.metadata.id, question.metadata.op_code);
    answer.add_queries(question.queries.clone());
    if zone.is_failing {
        answer.metadata.response_code = ResponseCode::ServFail;
        return answer;
    }
    let Some(query) = question.queries.first() else { return answer };
    match zone.texts.get(&query.name.to_string().to_lowercase()) {
        Some(text) if query.query_type == RecordType::TXT => {
            // Something else of the zone's owner beside it.
            for text in ["v=spf1 -all", text] {
                let data = RData::TXT(TXT::new(vec![text.to_owned()]));
                answer.add_answer(Record::from_rdata(query.name.clone(), 60, data));
            }
        }
        Some(_) => {}
        None => answer.metadata.response_code = ResponseCode::NXDomain,
    }
    answer
}
