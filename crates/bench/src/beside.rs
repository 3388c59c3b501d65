//! Servers that run in this process, each on a thread of its own: what they cost is not counted.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread::{self, JoinHandle};

use anyhow::{Context as _, Result};
use tokio::sync::oneshot;

/// A server of this process. Dropped, it ends.
pub(crate) struct Beside {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// An address that is taken, and not served yet.
pub(crate) struct Reserved {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
}

impl Reserved {
    pub(crate) fn new() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("there is no free port")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Serves it until the answer is dropped. `serve` gets the listener, and what ends it.
    pub(crate) fn serve<F: Future<Output = io::Result<()>> + 'static>(
        self,
        serve: impl FnOnce(tokio::net::TcpListener, oneshot::Receiver<()>) -> F + Send + 'static,
    ) -> Result<Beside> {
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = thread::spawn(move || {
            let served = runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(self.listener)?;
                serve(listener, stopped).await
            });
            if let Err(error) = served {
                eprintln!("a server beside the measured one ended: {error}");
            }
        });
        Ok(Beside { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        drop(self.stop.take());
        // It has said why, if it ended badly.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
