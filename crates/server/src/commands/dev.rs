//! `orgate dev`: everything on this machine, ready to click through.

use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use orgate_domain::audit::Actor;
use orgate_domain::connections::ConnectionProtocol;
use orgate_domain::names::Slug;
use orgate_domain::setup::{DEFAULT_LIFETIME, SetupPurpose};
use orgate_embedded_postgres::{Config, Error as PostgresError, Postgres};
use orgate_flows::Env;
use orgate_flows::apply;
use orgate_flows::federation::address;
use orgate_flows::random::Random;
use orgate_flows::setup::links::{WantedLink, create_link};
use orgate_flows::vault::MasterKey;
use orgate_playground::{
    IdentityProvidersConfig, NotesConfig, OpenIdClient, OpenIdProviderConfig, SamlProviderConfig, SamlTile,
    SampleUser, ServiceProviders, saml_metadata, serve_identity_providers, serve_mailbox, serve_notes,
};
use orgate_storage::system::OrgHint;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;
use url::Url;

use super::apply::execute;
use super::serve::{Running, bind, record_metrics, start, stopped_by_signal};
use super::{block_on, log};
use crate::apply_file;
use crate::settings::Settings;

/// The password of every sample user.
const SAMPLE_PASSWORD: &str = "orgate-dev";

const SAMPLE_SEED: &str = include_str!("../../../../config/dev-seed.yaml");

/// What makes up a development directory besides the server's own log: what `--fresh` deletes, by
/// name, so that a mistyped path costs nothing else.
const KEPT: [&str; 7] =
    ["data", "data.new", "master.key", "notes.secret", "idp.secret", "idp.pem", "robot.secret"];

/// Start Orgate, a database, a sample application and a mailbox, for trying out
#[derive(Debug, Args)]
pub struct Dev {
    /// Orgate's port
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// The sample application's port
    #[arg(long, default_value_t = 8090)]
    app_port: u16,
    /// The port of the sample identity providers
    #[arg(long, default_value_t = 8091)]
    idp_port: u16,
    /// The mailbox's port
    #[arg(long, default_value_t = 8092)]
    mailbox_port: u16,
    /// Where the database and the keys are kept
    #[arg(long, default_value = ".orgate", value_name = "DIR")]
    data_dir: PathBuf,
    /// Forget what an earlier run kept
    #[arg(long)]
    fresh: bool,
    /// Organizations, users and clients to begin with, instead of the samples
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// Which log lines to show: off, error, warn, info, debug or trace, also by module, as in
    /// `warn,orgate_flows=debug`
    #[arg(long, default_value = "warn", env = "RUST_LOG", value_name = "FILTER", value_parser = log_filter)]
    log: String,
}

/// What runs, and where.
struct Addresses {
    issuer: Url,
    app: Url,
    idp: Url,
    mailbox: Url,
}

/// Bound before anything is started, so that a busy port costs no time.
struct Listeners {
    orgate: StdListener,
    app: StdListener,
    idp: StdListener,
    mailbox: StdListener,
    smtp: StdListener,
}

impl Dev {
    /// Runs until Ctrl-C. The database is started before the runtime and stopped after it.
    pub(super) fn run(self) -> anyhow::Result<()> {
        let given = std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty());
        if given.is_some() && self.fresh {
            anyhow::bail!(
                "--fresh deletes the database that `orgate dev` brings; DATABASE_URL names another one"
            );
        }
        let listeners = self.bind()?;
        let postgres = if given.is_some() { None } else { Some(self.postgres()?) };
        let (url, directory) = match (&postgres, given) {
            (Some(postgres), _) => (postgres.url("postgres"), postgres.data_dir().to_owned()),
            (None, Some(url)) => (url, self.data_dir.clone()),
            (None, None) => anyhow::bail!("there is no database"),
        };
        let result = block_on(self.serve(listeners, url, &directory));
        if let Some(postgres) = postgres {
            postgres.stop().context("the database did not stop")?;
        }
        result
    }

    /// Starts the embedded database, emptied first if that was asked for. A directory that another
    /// `orgate dev` uses is never touched.
    fn postgres(&self) -> anyhow::Result<Postgres> {
        let config = Config::new(&self.data_dir, |line| eprintln!("{line}"));
        let started = Postgres::start(&config);
        let directory = match started {
            Ok(postgres) if !self.fresh => return Ok(postgres),
            Ok(postgres) => {
                let directory = postgres.data_dir().to_owned();
                postgres.stop()?;
                directory
            }
            Err(error @ PostgresError::AlreadyRunning { .. }) => return Err(error.into()),
            Err(_) if self.fresh => self.data_dir.clone(),
            Err(error) => return Err(error.into()),
        };
        for name in KEPT {
            forget(&directory.join(name))?;
        }
        Ok(Postgres::start(&config)?)
    }

    async fn serve(self, listeners: Listeners, database_url: String, directory: &Path) -> anyhow::Result<()> {
        let addresses = Addresses {
            issuer: localhost(self.port)?,
            app: localhost(self.app_port)?,
            idp: localhost(self.idp_port)?,
            mailbox: localhost(self.mailbox_port)?,
        };
        let mut settings = Settings::load(None)?;
        settings.log.filter.clone_from(&self.log);
        settings.server.issuer = addresses.issuer.clone();
        settings.server.internal_listen = None;
        settings.database.url = database_url.into();
        settings.database.url_file = String::new();
        settings.secrets.master_key = master_key(directory)?.into();
        settings.secrets.master_key_file = String::new();
        settings.outgoing.allow_private_addresses = true;
        settings.mail.smtp_url = format!("smtp://{}", listeners.smtp.local_addr()?).into();
        log(&settings.log)?;
        let stop = stopped_by_signal()?;
        let running = start(&settings, record_metrics()?, &stop).await?;
        let notes_secret = kept_secret(&directory.join("notes.secret"))?;
        let idp_secret = kept_secret(&directory.join("idp.secret"))?;
        let robot_secret = kept_secret(&directory.join("robot.secret"))?;
        let mut idp = identity_providers(&addresses, &idp_secret, directory);
        let variables = Variables {
            notes_secret: &notes_secret,
            notes_url: address_of(&addresses.app),
            idp_secret: &idp_secret,
            idp_url: address_of(&addresses.idp),
            idp_certificate: certificate_of(&saml_metadata(&idp)?)?,
            issuer_url: address_of(&addresses.issuer),
            robot_secret: &robot_secret,
        };
        self.seed(&running.env, &variables).await?;
        introduce(&running.env, &mut idp).await?;
        let setup = sample_setup(&running.env).await?;
        print!("{}", self.table(&addresses, setup.as_deref(), &robot_secret));
        let notes = NotesConfig {
            issuer: addresses.issuer,
            client_id: "notes".to_owned(),
            client_secret: notes_secret,
            base_url: addresses.app,
            audience: "notes".to_owned(),
            organizations: samples(),
        };
        let Listeners { orgate, app, idp: idp_listener, mailbox, smtp } = listeners;
        let listener = TcpListener::from_std;
        let app = serve_notes(notes, listener(app)?, stop.clone().cancelled_owned());
        let idp = serve_identity_providers(idp, listener(idp_listener)?, stop.clone().cancelled_owned());
        let mailbox = serve_mailbox(listener(smtp)?, listener(mailbox)?, stop.clone().cancelled_owned());
        let orgate = Running::serve(running, listener(orgate)?, stop.clone());
        let ((), app, idp, mailbox) = tokio::join!(orgate, app, idp, mailbox);
        app.context("the sample application stopped")?;
        idp.context("the sample identity providers stopped")?;
        mailbox.context("the mailbox stopped")
    }

    fn bind(&self) -> anyhow::Result<Listeners> {
        let bind = |port, setting| bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), setting);
        Ok(Listeners {
            orgate: bind(self.port, "--port")?,
            app: bind(self.app_port, "--app-port")?,
            idp: bind(self.idp_port, "--idp-port")?,
            mailbox: bind(self.mailbox_port, "--mailbox-port")?,
            smtp: bind(0, "the system")?,
        })
    }

    /// Applies the samples, or the file that was given.
    async fn seed(&self, env: &Env, variables: &Variables<'_>) -> anyhow::Result<()> {
        let lookup = |name: &str| match name {
            "DEV_PASSWORD" => Some(SAMPLE_PASSWORD.to_owned()),
            "NOTES_SECRET" => Some(variables.notes_secret.to_owned()),
            "NOTES_URL" => Some(variables.notes_url.clone()),
            "IDP_SECRET" => Some(variables.idp_secret.to_owned()),
            "IDP_URL" => Some(variables.idp_url.clone()),
            "IDP_CERTIFICATE" => Some(variables.idp_certificate.clone()),
            "ISSUER_URL" => Some(variables.issuer_url.clone()),
            "ROBOT_SECRET" => Some(variables.robot_secret.to_owned()),
            other => std::env::var(other).ok(),
        };
        let wanted = match &self.seed {
            Some(file) => apply_file::load(std::slice::from_ref(file), &lookup)?,
            None => apply_file::load_str("dev-seed.yaml", SAMPLE_SEED, &lookup)?,
        };
        execute(env, apply::plan(env, &wanted).await?).await
    }

    fn table(&self, addresses: &Addresses, setup: Option<&str>, robot_secret: &str) -> String {
        let Addresses { issuer, app, idp, mailbox } = addresses;
        let users = if self.seed.is_some() {
            "  as in your seed file\n".to_owned()
        } else {
            format!(
                "  admin@acme.test      Acme Inc             admin
  editor@acme.test     Acme Inc             editor
  viewer@acme.test     Acme Inc             viewer
  admin@globex.test    Globex Corporation   admin
  admin@initech.test   Initech              admin
  casey@consult.test   Acme, Globex and Initech
  admin@operator.test  the operator         operators
  The password of all of them is {SAMPLE_PASSWORD}
  anyone@umbrella.test Umbrella Health      by its own identity provider (OpenID Connect)
  anyone@vandelay.test Vandelay Industries  by its own identity provider (SAML)
  paula@partner.test   Vandelay Industries  viewer, by password
  acme-robot           Acme Inc             a program that runs it, by {issuer}api/v1
  operator-robot       the operator         a program that makes organizations
                       Their secret: {robot_secret}
"
            )
        };
        let setup = setup.map_or_else(String::new, |url| {
            format!(
                "
One to set up through the wizard, against the sample identity providers at {idp}
  Initech              {url}
"
            )
        });
        format!(
            "
Orgate is running. Ctrl-C stops it; the next start keeps the data.

Where
  Sample application   {app}
  Identity providers   {idp}
  Mailbox              {mailbox}
  Administration       {issuer}admin
  Console              {issuer}console
  Orgate               {issuer}
  Discovery document   {issuer}.well-known/openid-configuration

Who
{users}{setup}
Try first
  1. Open {app} and sign in to Acme as admin@acme.test.
  2. Sign in to Globex as admin@globex.test in the same browser, then switch between the two.
  3. In a private window, sign in without naming an organization, as casey@consult.test:
     the mailbox has the code.
  4. Sign in to Umbrella Health or Vandelay Industries: their identity providers ask for no password.

"
        )
    }
}

fn log_filter(text: &str) -> Result<String, String> {
    text.parse::<EnvFilter>().map(|_| text.to_owned()).map_err(|error| error.to_string())
}

fn samples() -> Vec<(String, String)> {
    [
        ("acme", "Acme Inc"),
        ("globex", "Globex Corporation"),
        ("initech", "Initech"),
        ("umbrella", "Umbrella Health"),
        ("vandelay", "Vandelay Industries"),
    ]
    .map(|(slug, name)| (slug.to_owned(), name.to_owned()))
    .into()
}

/// What variables of the samples stand for.
struct Variables<'a> {
    notes_secret: &'a str,
    notes_url: String,
    idp_secret: &'a str,
    idp_url: String,
    idp_certificate: String,
    issuer_url: String,
    robot_secret: &'a str,
}

fn address_of(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// The sample identity providers: they know Orgate by where it is, so that connections made later
/// need no registration there.
fn identity_providers(addresses: &Addresses, secret: &str, directory: &Path) -> IdentityProvidersConfig {
    let issuer = &addresses.issuer;
    let person = |name: &str, domain: &str, groups: &[&str]| {
        let username = name.split(' ').next().unwrap_or(name).to_lowercase();
        SampleUser {
            email: format!("{username}@{domain}"),
            username,
            name: name.to_owned(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        }
    };
    let people = |domain: &str, names: [&str; 3]| {
        let [boss, staff, guest] = names;
        vec![
            person(boss, domain, &["staff", "it-admins"]),
            person(staff, domain, &["staff"]),
            person(guest, "guests.test", &[]),
        ]
    };
    IdentityProvidersConfig {
        base_url: addresses.idp.clone(),
        oidc: OpenIdProviderConfig {
            name: "Umbrella Workforce".to_owned(),
            users: people("umbrella.test", ["Uma Ueda", "Ulf Unger", "Gus Guest"]),
            clients: vec![OpenIdClient {
                client_id: "orgate".to_owned(),
                client_secret: secret.to_owned(),
                redirect_uris: Vec::new(),
                redirect_uri_prefix: Some(issuer.clone()),
                post_logout_redirect_uris: vec![address_of(issuer) + "/sso/signed-out"],
                backchannel_logout_uri: None,
            }],
        },
        saml: SamlProviderConfig {
            name: "Vandelay Directory".to_owned(),
            users: people("vandelay.test", ["Vito Vance", "Vera Vale", "Gina Guest"]),
            service_providers: vec![ServiceProviders {
                entity_id_prefix: issuer.clone(),
                acs_url_prefix: issuer.clone(),
                slo_url: Some("slo".to_owned()),
            }],
            tiles: Vec::new(),
            key_file: Some(directory.join("idp.pem")),
        },
    }
}

/// A link by which Initech, if it is there, can be set up.
async fn sample_setup(env: &Env) -> anyhow::Result<Option<String>> {
    let Some(organization) = env.store.resolve(OrgHint::Slug(&Slug::parse("initech")?)).await? else {
        return Ok(None);
    };
    let mut tx = env.store.begin(&organization.scope).await?;
    let roles = tx.roles().list().await?;
    tx.commit().await?;
    let offered = roles.iter().map(|role| role.slug.to_string());
    let wanted = WantedLink {
        purposes: SetupPurpose::ALL.into(),
        roles: offered.filter(|slug| ["editor", "viewer"].contains(&slug.as_str())).collect(),
        lifetime: DEFAULT_LIFETIME,
    };
    let made = create_link(env, &organization.scope, &wanted, Actor::Operator).await?;
    Ok(Some(made.url))
}

/// Tells the sample identity providers of the connections that were seeded: where one reports sign-outs,
/// and where the other offers to sign in to.
async fn introduce(env: &Env, idp: &mut IdentityProvidersConfig) -> anyhow::Result<()> {
    for slug in ["umbrella", "vandelay"] {
        let Some(organization) = env.store.resolve(OrgHint::Slug(&Slug::parse(slug)?)).await? else {
            continue;
        };
        let mut tx = env.store.begin(&organization.scope).await?;
        let connections = tx.connections().list().await?;
        tx.commit().await?;
        let Some(connection) = connections.first() else { continue };
        let at = |endpoint| address(env, &organization.scope, connection.id, endpoint);
        match connection.protocol {
            ConnectionProtocol::Oidc => {
                let logout = Url::parse(&at("/backchannel-logout"))?;
                let clients = idp.oidc.clients.iter_mut();
                clients.for_each(|client| client.backchannel_logout_uri = Some(logout.clone()));
            }
            ConnectionProtocol::Saml => idp.saml.tiles.push(SamlTile {
                name: "Notes".to_owned(),
                entity_id: at("/metadata"),
                acs_url: at("/acs"),
                relay_state: None,
            }),
        }
    }
    Ok(())
}

/// The certificate in SAML metadata, as settings take it.
fn certificate_of(metadata: &str) -> anyhow::Result<String> {
    let (_, rest) = metadata.split_once("X509Certificate>").context("the metadata has no certificate")?;
    let (certificate, _) = rest.split_once('<').context("the metadata has no certificate")?;
    Ok(certificate.split_whitespace().collect())
}

fn localhost(port: u16) -> anyhow::Result<Url> {
    Ok(Url::parse(&format!("http://localhost:{port}/"))?)
}

fn forget(path: &Path) -> anyhow::Result<()> {
    let deleted = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    match deleted {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot delete {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// The master key of this directory: made at the first start, readable by its owner only.
fn master_key(directory: &Path) -> anyhow::Result<String> {
    kept(&directory.join("master.key"), || {
        Ok(MasterKey::from_bytes(Random::default().bytes()?).to_text().to_string())
    })
}

fn kept_secret(path: &Path) -> anyhow::Result<String> {
    kept(path, || Ok(Random::default().client_secret()?.reveal().to_owned()))
}

/// What the file holds; made first if there is none.
fn kept(path: &Path, make: impl FnOnce() -> anyhow::Result<String>) -> anyhow::Result<String> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;

    let refused = || format!("cannot write {}; choose another directory with --data-dir", path.display());
    match std::fs::read_to_string(path) {
        Ok(text) => return Ok(text.trim().to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory).with_context(refused)?;
    }
    let text = make()?;
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| writeln!(file, "{text}")).with_context(refused)?;
    Ok(text)
}
