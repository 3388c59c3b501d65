//! Configuration: read once, and values from then on.
//!
//! `config/default.toml` is embedded and is the reference; a file overrides it, the environment
//! (`ORGATE__SECTION__KEY`) overrides both. A key that does not exist is an error.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use chrono::Duration;
use config::{Config, Environment, File, FileFormat};
use ipnet::IpNet;
use orgate_domain::keys::KeySchedule;
use serde::{Deserialize, Deserializer};
use tracing_subscriber::EnvFilter;
use url::Url;

/// The embedded defaults.
pub const DEFAULTS: &str = include_str!("../../../config/default.toml");

/// Every setting.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `[server]`
    pub server: Server,
    /// `[database]`
    pub database: Database,
    /// `[secrets]`
    pub secrets: Secrets,
    /// `[keys]`
    pub keys: Keys,
    /// `[organizations]`
    pub organizations: Organizations,
    /// `[mail]`
    pub mail: Mail,
    /// `[passwords]`
    pub passwords: Passwords,
    /// `[tokens]`
    pub tokens: Tokens,
    /// `[limits]`
    pub limits: Limits,
    /// `[outgoing]`
    pub outgoing: Outgoing,
    /// `[dns]`
    pub dns: Dns,
    /// `[log]`
    pub log: Log,
}

/// `[server]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// The address that people and applications see.
    pub issuer: Url,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where to serve metrics; empty: nowhere.
    #[serde(deserialize_with = "optional_address")]
    pub internal_listen: Option<SocketAddr>,
    /// Networks of proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Open connections at most.
    pub max_connections: usize,
    /// A request is given up after this long.
    pub request_timeout_secs: u64,
    /// A request's body at most.
    pub max_body_bytes: usize,
}

/// `[database]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// A `postgres://` address.
    pub url: Secret,
    /// A file that holds it.
    pub url_file: String,
    /// Connections at most.
    pub max_connections: u32,
    /// A request waits this long for one.
    pub acquire_timeout_secs: u64,
    /// No statement runs longer.
    pub statement_timeout_secs: u64,
    /// Whether `serve` migrates first.
    pub migrate_on_start: bool,
}

/// `[secrets]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    /// 32 random bytes in base64.
    pub master_key: Secret,
    /// A file that holds them.
    pub master_key_file: String,
    /// The key before this one, or the one that comes after it: accepted, and not used for anything new.
    pub previous_master_key: Secret,
    /// A file that holds it.
    pub previous_master_key_file: String,
}

/// `[keys]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// A signing key is replaced after this long; 0: only by hand.
    pub rotate_every_days: u32,
    /// A signing key is published this long before it signs.
    pub publish_before_hours: u32,
}

/// `[organizations]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organizations {
    /// One that was deleted is erased after this long: a day at least, a hundred years at most.
    pub erase_after_days: u32,
}

/// `[mail]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// `smtp://host:port`; may hold a password.
    pub smtp_url: Secret,
    /// A file that holds it.
    pub smtp_url_file: String,
    /// The sender.
    pub from: String,
}

/// `[passwords]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passwords {
    /// How many are hashed at once; 0: one for each core.
    pub threads: usize,
    /// How many may wait.
    pub queue: usize,
}

/// `[limits]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Requests to the management API of one user or machine through one client in one organization.
    pub api_per_minute: u32,
    /// Attempts to prove a credential.
    pub credentials_per_minute: u32,
    /// Authorization requests.
    pub pages_per_minute: u32,
    /// Refused client authentications, codes and tokens.
    pub refusals_per_minute: u32,
    /// Requests of one receiver of security events in one organization.
    pub receivers_per_minute: u32,
    /// Sign-ins to one organization.
    pub sign_ins_per_minute: u32,
}

/// `[tokens]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// Whether proofs of possession need a nonce of ours.
    pub require_dpop_nonce: bool,
}

/// `[outgoing]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outgoing {
    /// Whether identity providers may be at private addresses, and answer by http.
    pub allow_private_addresses: bool,
}

/// `[dns]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dns {
    /// The name servers that are asked for the records that prove domains, as `address:port`; those of the system
    /// if there are none.
    pub servers: Vec<SocketAddr>,
}

/// `[log]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// How lines look.
    pub format: LogFormat,
    /// Which lines there are.
    pub filter: String,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// A setting that is never printed.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

/// What is wrong with the configuration, and where.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A file or a value does not parse, or a key does not exist.
    #[error(transparent)]
    Parse(#[from] config::ConfigError),
    /// A secret is set twice.
    #[error("{key} and {key}_file are both set; keep one")]
    Both {
        /// The key, as `section.key`.
        key: &'static str,
    },
    /// A secret's file cannot be read.
    #[error("{key}_file: cannot read {}", path.display())]
    File {
        /// The key, as `section.key`.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A required setting is missing.
    #[error("{key} is not set: {hint}")]
    Missing {
        /// The key, as `section.key`.
        key: &'static str,
        /// What to do.
        hint: &'static str,
    },
    /// A value is not allowed.
    #[error("{key}: {why}")]
    Value {
        /// The key, as `section.key`.
        key: &'static str,
        /// What is allowed.
        why: String,
    },
}

impl Settings {
    /// Reads the defaults, then `file`, then the environment.
    ///
    /// # Errors
    /// [`SettingsError`]; a key that does not exist is one.
    pub fn load(file: Option<&Path>) -> Result<Self, SettingsError> {
        let mut builder = Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        if let Some(file) = file {
            builder = builder.add_source(File::from(file).format(FileFormat::Toml));
        }
        let environment = Environment::with_prefix("ORGATE")
            .prefix_separator("__")
            .separator("__")
            .list_separator(",")
            .with_list_parse_key("server.trusted_proxies")
            .try_parsing(true);
        let settings: Self = builder.add_source(environment).build()?.try_deserialize()?;
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), SettingsError> {
        check_issuer(&self.server.issuer)?;
        let number = |key, value: u64, most: u64| {
            let within = (1..=most).contains(&value);
            within.then_some(()).ok_or_else(|| SettingsError::Value { key, why: format!("from 1 to {most}") })
        };
        let size = |value: usize| u64::try_from(value).unwrap_or(u64::MAX);
        let Self { server, database, keys, organizations, passwords, limits, log, .. } = self;
        number("server.max_connections", size(server.max_connections), 1_000_000)?;
        number("server.request_timeout_secs", server.request_timeout_secs, 3_600)?;
        number("server.max_body_bytes", size(server.max_body_bytes), 16 << 20)?;
        number("database.max_connections", database.max_connections.into(), 10_000)?;
        number("database.acquire_timeout_secs", database.acquire_timeout_secs, 3_600)?;
        number("database.statement_timeout_secs", database.statement_timeout_secs, 3_600)?;
        if passwords.threads != 0 {
            number("passwords.threads", size(passwords.threads), 1_024)?;
        }
        number("keys.publish_before_hours", keys.publish_before_hours.into(), 24 * 30)?;
        if keys.rotate_every_days != 0 {
            let days = "from the days that publish_before_hours makes, and one, to 3650; or 0, for never";
            let least = u64::from(keys.publish_before_hours.div_ceil(24)) + 1;
            let within = (least..=3_650).contains(&keys.rotate_every_days.into());
            let why = days.to_owned();
            within.then_some(()).ok_or(SettingsError::Value { key: "keys.rotate_every_days", why })?;
        }
        number("organizations.erase_after_days", organizations.erase_after_days.into(), 36_500)?;
        number("passwords.queue", size(passwords.queue), 1_000_000)?;
        for (key, limit) in [
            ("limits.api_per_minute", limits.api_per_minute),
            ("limits.credentials_per_minute", limits.credentials_per_minute),
            ("limits.pages_per_minute", limits.pages_per_minute),
            ("limits.refusals_per_minute", limits.refusals_per_minute),
            ("limits.receivers_per_minute", limits.receivers_per_minute),
            ("limits.sign_ins_per_minute", limits.sign_ins_per_minute),
        ] {
            number(key, limit.into(), u32::MAX.into())?;
        }
        let filter = log.filter.parse::<EnvFilter>();
        filter.map(|_| ()).map_err(|error| SettingsError::Value { key: "log.filter", why: error.to_string() })
    }

    /// The master key's text.
    ///
    /// # Errors
    /// [`SettingsError::Missing`] if neither the key nor its file is set.
    pub fn master_key(&self) -> Result<Secret, SettingsError> {
        let secrets = &self.secrets;
        secret("secrets.master_key", &secrets.master_key, &secrets.master_key_file)?.ok_or(
            SettingsError::Missing {
                key: "secrets.master_key",
                hint: "make one with `openssl rand -base64 32`, keep it safe, and name its file in secrets.master_key_file",
            },
        )
    }

    /// The text of the other master key that is accepted, if there is one.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn previous_master_key(&self) -> Result<Option<Secret>, SettingsError> {
        let secrets = &self.secrets;
        let (key, file) = (&secrets.previous_master_key, &secrets.previous_master_key_file);
        secret("secrets.previous_master_key", key, file)
    }

    /// The database's address.
    ///
    /// # Errors
    /// [`SettingsError::Missing`] if it is set nowhere, `DATABASE_URL` included.
    pub fn database_url(&self) -> Result<Secret, SettingsError> {
        let database = &self.database;
        let set = secret("database.url", &database.url, &database.url_file)?;
        let from_environment =
            || std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty()).map(Secret);
        set.or_else(from_environment).ok_or(SettingsError::Missing {
            key: "database.url",
            hint: "set it to a postgres:// address, or use `orgate dev`, which brings a database of its own",
        })
    }

    /// The mail server's address, if there is one.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn smtp_url(&self) -> Result<Option<Secret>, SettingsError> {
        secret("mail.smtp_url", &self.mail.smtp_url, &self.mail.smtp_url_file)
    }
}

impl Keys {
    /// The schedule.
    pub fn schedule(&self) -> KeySchedule {
        KeySchedule {
            rotate_every: (self.rotate_every_days != 0)
                .then(|| Duration::days(self.rotate_every_days.into())),
            publish_before: Duration::hours(self.publish_before_hours.into()),
        }
    }
}

impl Secret {
    /// The text, for its one use.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "\"\"" } else { "…" })
    }
}

fn check_issuer(issuer: &Url) -> Result<(), SettingsError> {
    let loopback = matches!(issuer.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let why = if issuer.query().is_some() || issuer.fragment().is_some() || issuer.path() != "/" {
        "an issuer is an origin, without path, query or fragment"
    } else if !issuer.username().is_empty() || issuer.password().is_some() {
        "an issuer is public: it holds no user name and no password"
    } else if issuer.scheme() != "https" && !(issuer.scheme() == "http" && loopback) {
        "an issuer is https; http is for localhost only"
    } else {
        return Ok(());
    };
    Err(SettingsError::Value { key: "server.issuer", why: why.to_owned() })
}

/// An address and port, or nothing.
fn optional_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let parsed = (!text.is_empty()).then(|| text.parse()).transpose();
    parsed.map_err(|_| serde::de::Error::custom(format!("{text:?} is not an address:port, nor empty")))
}

fn secret(key: &'static str, value: &Secret, file: &str) -> Result<Option<Secret>, SettingsError> {
    match (value.reveal(), file) {
        ("", "") => Ok(None),
        (_, "") => Ok(Some(value.clone())),
        ("", path) => std::fs::read_to_string(path)
            .map(|text| Some(Secret(text.trim().to_owned())))
            .map_err(|source| SettingsError::File { key, path: path.into(), source }),
        _ => Err(SettingsError::Both { key }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(toml: &str) -> Result<Settings, SettingsError> {
        let settings: Settings = Config::builder()
            .add_source(File::from_str(DEFAULTS, FileFormat::Toml))
            .add_source(File::from_str(toml, FileFormat::Toml))
            .build()?
            .try_deserialize()?;
        settings.check().map(|()| settings)
    }

    #[test]
    fn the_defaults_are_complete() {
        let settings = parse("").expect("the defaults parse");

        assert_eq!(settings.limits.credentials_per_minute, 60);
    }

    #[test]
    fn a_mistyped_key_is_an_error() {
        let error = parse("[server]\nissuerr = 'https://a.test'").expect_err("refused").to_string();

        assert!(error.contains("issuerr"), "{error}");
    }

    #[test]
    fn an_issuer_is_https_and_has_no_path() {
        assert!(parse("[server]\nissuer = 'https://id.example'").is_ok());
        for bad in ["http://id.example", "https://id.example/tenant", "https://id.example/?a=b"] {
            assert!(parse(&format!("[server]\nissuer = '{bad}'")).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_could_not_run_is_refused_by_its_key() {
        for (section, line) in [
            ("server", "internal_listen = 'nowhere'"),
            ("server", "max_connections = 0"),
            ("server", "max_body_bytes = 0"),
            ("server", "request_timeout_secs = 0"),
            ("database", "max_connections = 0"),
            ("database", "max_connections = 4294967295"),
            ("database", "acquire_timeout_secs = 0"),
            ("database", "statement_timeout_secs = 0"),
            ("keys", "publish_before_hours = 0"),
            ("keys", "rotate_every_days = 1"),
            ("organizations", "erase_after_days = 0"),
            ("organizations", "erase_after_days = 36501"),
            ("passwords", "queue = 0"),
            ("passwords", "threads = 9223372036854775807"),
            ("limits", "pages_per_minute = 0"),
            ("log", "filter = 'info,=,'"),
        ] {
            let error = parse(&format!("[{section}]\n{line}")).expect_err(line).to_string();
            let key = line.split(' ').next().expect("a key");

            assert!(error.contains(&format!("{section}.{key}")), "{line}: {error}");
        }
    }

    #[test]
    fn there_need_be_no_internal_listener() {
        let settings = parse("[server]\ninternal_listen = ''").expect("parses");

        assert_eq!(settings.server.internal_listen, None);
        assert!(parse("").expect("parses").server.internal_listen.is_some());
    }

    #[test]
    fn a_secret_is_never_printed() {
        let settings = parse("[secrets]\nmaster_key = 'hunter2'").expect("parses");

        assert!(!format!("{settings:?}").contains("hunter2"));
    }
}
