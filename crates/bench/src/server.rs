//! The programs that are measured, each in its own process.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::http::Connection;
use crate::process::Process;
use crate::seed::{CLIENT_SECRET, MACHINE_ID};

/// How long a program may take until it answers.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// How often it is asked.
const PAUSE: Duration = Duration::from_millis(1);

/// The release build, and what its processes share.
pub(crate) struct Orgate {
    pub(crate) program: PathBuf,
    pub(crate) master_key: String,
    /// Where logs go.
    pub(crate) directory: PathBuf,
}

/// A running server: Orgate, the reference handlers, or what somebody else made.
pub(crate) struct Server {
    process: Process,
    pub(crate) address: SocketAddr,
    issuer: String,
}

impl Orgate {
    /// Starts `orgate serve` as it is shipped: only the limits by address are raised, since all load comes from
    /// one. Returns when it is ready, and how long that took.
    pub(crate) async fn serve(&self, name: &str, database_url: &str) -> Result<(Server, Duration)> {
        self.serve_as(name, database_url, None).await
    }

    /// The same, under the name that another server has: whatever leads a browser back leads to both.
    pub(crate) async fn serve_as(
        &self,
        name: &str,
        database_url: &str,
        issuer: Option<&str>,
    ) -> Result<(Server, Duration)> {
        let address = free_address()?;
        let issuer = issuer.map_or_else(|| format!("http://{address}"), str::to_owned);
        let mut command = self.command(database_url);
        command
            .arg("serve")
            .env("ORGATE__SERVER__ISSUER", &issuer)
            .env("ORGATE__SERVER__LISTEN", address.to_string())
            .env("ORGATE__SERVER__INTERNAL_LISTEN", free_address()?.to_string())
            .env("ORGATE__LIMITS__API_PER_MINUTE", "100000000")
            .env("ORGATE__LIMITS__CREDENTIALS_PER_MINUTE", "100000000")
            .env("ORGATE__LIMITS__PAGES_PER_MINUTE", "100000000")
            .env("ORGATE__LIMITS__REFUSALS_PER_MINUTE", "100000000")
            .env("ORGATE__LIMITS__SIGN_INS_PER_MINUTE", "100000000")
            .stderr(File::create(self.directory.join(format!("{name}.log")))?);
        let begin = Instant::now();
        let process = Process::spawn(name, &mut command)?;
        let mut server = Server { process, address, issuer };
        server.wait_until_ready("/readyz").await?;
        Ok((server, begin.elapsed()))
    }

    /// Runs another of its commands to its end.
    pub(crate) fn run(&self, database_url: &str, arguments: &[&str]) -> Result<()> {
        let output = self.command(database_url).args(arguments).output();
        let output = output.with_context(|| format!("cannot run {}", self.program.display()))?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "`orgate {}` failed: {said}", arguments.join(" "));
        Ok(())
    }

    fn command(&self, database_url: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        // No setting of the caller's may change what is measured.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ORGATE_"))
        {
            command.env_remove(name);
        }
        command
            .env("ORGATE__DATABASE__URL", database_url)
            // Where the identity providers are.
            .env("ORGATE__OUTGOING__ALLOW_PRIVATE_ADDRESSES", "true")
            .env("ORGATE__SECRETS__MASTER_KEY", &self.master_key);
        command
    }
}

impl Server {
    /// Starts the reference handlers: this program, called in another way.
    pub(crate) async fn reference(document_bytes: usize) -> Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(std::env::current_exe()?);
        let bytes = document_bytes.to_string();
        command.args(["reference", &address.to_string(), &bytes]).stdin(Stdio::null());
        let mut server =
            Self { process: Process::spawn("the reference", &mut command)?, address, issuer: String::new() };
        server.wait_until_ready("/json").await?;
        Ok(server)
    }

    /// Starts npm's `oidc-provider`: `script` is `tests/browser/peers/measured_provider.mjs`.
    pub(crate) async fn oidc_provider(script: &Path, directory: &Path) -> Result<Self> {
        let address = free_address()?;
        let mut command = Command::new("node");
        let (host, port) = (address.ip().to_string(), address.port().to_string());
        command
            .arg(script)
            .args([&*host, &*port, MACHINE_ID, CLIENT_SECRET])
            .env("NODE_ENV", "production")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(directory.join("oidc-provider.log"))?);
        let process = Process::spawn("oidc-provider", &mut command)?;
        let mut server = Self { process, address, issuer: format!("http://{address}") };
        server.wait_until_ready("/.well-known/openid-configuration").await?;
        Ok(server)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    async fn wait_until_ready(&mut self, path: &str) -> Result<()> {
        let deadline = Instant::now() + READY_LIMIT;
        while Instant::now() < deadline {
            if status(self.address, path).await.is_ok_and(|status| status == 200) {
                return Ok(());
            }
            self.process.check()?;
            tokio::time::sleep(PAUSE).await;
        }
        bail!("no answer from {} within {} s", self.address, READY_LIMIT.as_secs())
    }
}

async fn status(address: SocketAddr, path: &str) -> Result<u16> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    Ok(Connection::open(address).await?.exchange(request.as_bytes()).await?.status)
}

/// The length of a document's body.
pub(crate) async fn document_bytes(address: SocketAddr, path: &str) -> Result<usize> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let mut connection = Connection::open(address).await?;
    let response = connection.exchange(request.as_bytes()).await?;
    response.expect(200)?;
    Ok(response.body.len())
}

/// An address that nobody listens on.
fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("there is no free port")?;
    Ok(listener.local_addr()?)
}

/// The directory of the socket in a URL of the embedded database.
pub(crate) fn socket_directory(url: &str) -> Result<PathBuf> {
    let (_, host) = url.split_once("?host=").context("the database has no socket")?;
    Ok(PathBuf::from(host.replace("%2F", "/")))
}

/// `url` with another socket directory.
pub(crate) fn with_socket_directory(url: &str, directory: &Path) -> String {
    let base = url.split_once("?host=").map_or(url, |(base, _)| base);
    format!("{base}?host={}", directory.display().to_string().replace('/', "%2F"))
}
