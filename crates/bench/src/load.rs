//! The load: a number of connections, each of which sends its next request when it has its answer.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::task::LocalSet;

use crate::http::{Connection, Response};

/// Where requests come from, and where their answers go.
pub(crate) trait Workload {
    /// The next request; `None` if nothing is left to ask.
    fn next(&self) -> Option<Request>;

    /// Checks an answer and keeps what later requests need of it.
    fn accept(&self, tag: usize, response: &Response<'_>) -> Result<()>;
}

/// A request as it goes over the wire.
pub(crate) struct Request {
    /// Given to [`Workload::accept`] with the answer.
    pub(crate) tag: usize,
    pub(crate) bytes: Rc<[u8]>,
}

/// When a load ends, unless the workload does first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    pub(crate) time: Duration,
    pub(crate) operations: usize,
}

/// Connections that are open.
pub(crate) struct Load {
    connections: Vec<Connection>,
    workload: Rc<dyn Workload>,
}

/// How it went.
pub(crate) struct Outcome {
    pub(crate) wall: Duration,
    /// One a request, in order of length.
    pub(crate) latencies: Vec<Duration>,
}

/// What the connections share.
struct Shared {
    workload: Rc<dyn Workload>,
    deadline: Instant,
    left: Cell<usize>,
    latencies: RefCell<Vec<Duration>>,
}

impl Load {
    pub(crate) async fn connect(
        address: SocketAddr,
        connections: usize,
        workload: Rc<dyn Workload>,
    ) -> Result<Self> {
        let mut open = Vec::new();
        for _ in 0..connections {
            open.push(Connection::open(address).await?);
        }
        Ok(Self { connections: open, workload })
    }

    pub(crate) async fn run(self, limit: Limit) -> Result<Outcome> {
        let begin = Instant::now();
        let shared = Rc::new(Shared {
            workload: self.workload,
            deadline: begin + limit.time,
            left: Cell::new(limit.operations),
            latencies: RefCell::new(Vec::with_capacity(1 << 16)),
        });
        let local = LocalSet::new();
        let tasks: Vec<_> = self
            .connections
            .into_iter()
            .map(|connection| local.spawn_local(keep_asking(connection, Rc::clone(&shared))))
            .collect();
        local
            .run_until(async {
                for task in tasks {
                    task.await??;
                }
                anyhow::Ok(())
            })
            .await?;
        let wall = begin.elapsed();
        let mut latencies = shared.latencies.take();
        latencies.sort_unstable();
        Ok(Outcome { wall, latencies })
    }
}

async fn keep_asking(mut connection: Connection, shared: Rc<Shared>) -> Result<()> {
    while Instant::now() < shared.deadline && shared.left.get() > 0 {
        let Some(request) = shared.workload.next() else { break };
        shared.left.set(shared.left.get() - 1);
        let sent = Instant::now();
        let response = connection.exchange(&request.bytes).await?;
        let latency = sent.elapsed();
        shared.workload.accept(request.tag, &response)?;
        shared.latencies.borrow_mut().push(latency);
    }
    Ok(())
}
