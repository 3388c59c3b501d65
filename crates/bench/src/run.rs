//! The whole run: start, seed, measure in rounds, stop.

mod lists;

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use orgate_domain::ids::OrgId;
use orgate_flows::passwords::Passwords;
use orgate_flows::random::Random;
use orgate_flows::vault::{MasterKey, Vault};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use uuid::Uuid;

use crate::bare_saml::BareSaml;
use crate::connections::{Connections, Refreshing};
use crate::federation::{self, Arrival, Federation, PostResponse, Protocol, Return};
use crate::identity_providers::Prepared;
use crate::load::{Limit, Workload};
use crate::measure::{CONNECTIONS, Group, Meter, Operation, Place, Sample, count_round_trips};
use crate::process::{Clock, Memory};
use crate::proxy::Proxy;
use crate::seed::{self, PASSWORD, Population, Whose};
use crate::server::{Orgate, Server, document_bytes, socket_directory, with_socket_directory};
use crate::workloads::{
    Authorize, ClientCredentials, ForeignClientCredentials, Introspect, RedeemCodes, Refresh, Same, SignIn,
    SignInPage, SilentSso, Userinfo, Users,
};

/// Organizations in the smaller database, and active in part of what is measured in the larger.
pub(crate) const FEW: usize = 10;

/// Codes that are issued for each second of a window: more than are redeemed.
const CODES_PER_SECOND: usize = 5000;

/// Token families that are refreshed in turn.
const FAMILIES: usize = 20_000;

/// Sign-ins begun where only their end is measured.
const BEGUN: usize = 1000;

/// Operations whose round trips are counted.
const COUNTED: usize = 50;

/// Browsers that come back from an identity provider, for each second of a window: about as many as are
/// served.
const RETURNS_PER_SECOND: usize = 600;

/// After a start, memory is looked at when this long nobody has asked anything.
const REST: Duration = Duration::from_secs(3);

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// Organizations in the larger database.
    pub(crate) many: usize,
    /// SAML connections that are looked after.
    pub(crate) connections: usize,
    /// Users of the organization whose users are listed.
    pub(crate) users: usize,
    pub(crate) rounds: usize,
    /// How long each operation is measured in each round.
    pub(crate) window: Duration,
    /// Only this operation, for a profiler; before it comes what it needs.
    pub(crate) only: Option<Operation>,
}

/// What came out.
pub(crate) struct Results {
    pub(crate) plan: Plan,
    pub(crate) samples: BTreeMap<(Operation, Place), Vec<Sample>>,
    pub(crate) round_trips: BTreeMap<Operation, f64>,
    /// From the start of the process to the first answer that it is ready.
    pub(crate) starts: Vec<Duration>,
    pub(crate) idle: Memory,
    /// After all the load.
    pub(crate) rested: Memory,
    pub(crate) refreshing: Option<Refreshing>,
}

impl Plan {
    /// Whether operations of this group are run at all.
    fn runs(&self, group: Group) -> bool {
        self.only.is_none_or(|only| only.group() == group)
    }

    fn measures(&self, operation: Operation) -> bool {
        self.only.is_none_or(|only| only.includes(operation))
    }
}

/// A server and what its database holds.
struct Site {
    server: Server,
    population: Rc<Population>,
}

/// A site, and who in it is active.
#[derive(Clone, Copy)]
struct View<'a> {
    site: &'a Site,
    place: Place,
    whose: Whose,
}

/// What others made, or we without all that Orgate does.
struct References {
    /// The reference handlers.
    bare: Server,
    oidc_provider: Option<Server>,
}

/// What is done with each workload.
enum Mode<'a> {
    /// It is run, and nothing is kept.
    WarmUp(Limit),
    Measure(Limit),
    CountRoundTrips(&'a Proxy),
}

/// The cluster and what is kept from window to window.
struct Bench<'a> {
    orgate: &'a Orgate,
    url: &'a dyn Fn(&str) -> String,
    meter: Meter,
    plan: Plan,
    samples: BTreeMap<(Operation, Place), Vec<Sample>>,
    round_trips: BTreeMap<Operation, f64>,
    families: BTreeMap<Place, Rc<Refresh>>,
    federation: Option<Rc<Federation>>,
    /// Operations on users so far.
    used: usize,
}

/// Measures on a cluster that runs: `url` leads to its databases.
pub(crate) async fn run(
    (orgate, oidc_provider): (&Orgate, Option<&Path>),
    postgres: u32,
    url: &dyn Fn(&str) -> String,
    plan: Plan,
) -> Result<Results> {
    let meter = Meter { clock: Clock::new()?, postgres: Some(postgres), connections: CONNECTIONS };
    let (samples, round_trips, families, federation) = Default::default();
    let mut bench = Bench { orgate, url, meter, plan, samples, round_trips, families, federation, used: 0 };
    let few = bench.seed("few", FEW).await?;
    let providers = bench.connect_providers("few")?;
    let many = bench.seed("many", plan.many).await?;

    let starts = bench.measure_starts().await?;
    let few = Site { server: bench.serve("few").await?, population: few };
    tokio::time::sleep(REST).await;
    let idle = Memory::of(few.server.pid())?;
    let many = Site { server: bench.serve("many").await?, population: many };
    let bare = Server::reference(document_bytes(few.server.address, "/jwks.json").await?).await?;
    let oidc_provider = match oidc_provider {
        Some(script) => Some(Server::oidc_provider(script, &orgate.directory).await?),
        None => None,
    };
    let references = References { bare, oidc_provider };

    let providers = providers.serve(few.server.issuer())?;
    let federation = Federation::begin(few.population.pool(), providers, few.server.address).await?;
    bench.federation = Some(Rc::new(federation));

    bench.measure_all((&few, &many), &references).await?;
    tokio::time::sleep(REST).await;
    let rested = Memory::of(few.server.pid())?;
    bench.count_round_trips(&few).await?;
    bench.list_users(&many).await?;
    drop((few, many, references));
    let refreshing = bench.measure_connections().await?;
    let Bench { samples, round_trips, .. } = bench;
    Ok(Results { plan, samples, round_trips, starts, idle, rested, refreshing })
}

impl Bench<'_> {
    /// Makes and fills a database.
    async fn seed(&self, name: &str, organizations: usize) -> Result<Rc<Population>> {
        eprintln!("seeding {organizations} organizations");
        let admin = connect(&(self.url)("postgres")).await?;
        // An interrupted run may have left one.
        for statement in [format!("drop database if exists {name}"), format!("create database {name}")] {
            sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&admin).await?;
        }
        admin.close().await;
        let url = (self.url)(name);
        self.orgate.run(&url, &["migrate"])?;
        let file = self.orgate.directory.join("seed.yaml");
        std::fs::write(&file, seed::file())?;
        self.orgate.run(&url, &["apply", "-f", &file.display().to_string()])?;

        let (vault, phc) = self.secrets().await?;
        let population = Population::make(connect(&url).await?, &vault, &phc, organizations).await?;
        Ok(Rc::new(population))
    }

    /// What hides addresses, and everybody's password.
    async fn secrets(&self) -> Result<(Box<Vault>, String)> {
        let master_key = MasterKey::parse(&self.orgate.master_key)?;
        let vault = Box::new(Vault::new(&master_key, None)?);
        let anyone = OrgId::from_uuid(Uuid::now_v7());
        let phc = Passwords::new(1, 1, Random::default())?.hash(anyone, PASSWORD).await?;
        Ok((vault, phc))
    }

    /// Gives organizations of a database connections, to identity providers that are served later.
    fn connect_providers(&self, database: &str) -> Result<Prepared> {
        let providers = Prepared::new(&self.orgate.directory, &federation::users())?;
        let file = self.orgate.directory.join("federation.yaml");
        std::fs::write(&file, federation::file(&providers))?;
        self.orgate.run(&(self.url)(database), &["apply", "-f", &file.display().to_string()])?;
        Ok(providers)
    }

    async fn measure_connections(&self) -> Result<Option<Refreshing>> {
        if !self.plan.runs(Group::Connections) {
            return Ok(None);
        }
        let population = self.seed("connections", self.plan.connections).await?;
        let server = self.serve("connections").await?;
        eprintln!("refreshing the metadata of {} connections", self.plan.connections);
        let (server, population) = (&server, &population);
        let connections = Connections { server, population, meter: self.meter, plan: self.plan };
        let measured = connections.measure(&self.orgate.directory.join("identity-provider.pem")).await?;
        Ok(Some(measured))
    }

    /// Does what autovacuum does within a minute or so: without it, plans made for tables that were still
    /// empty would be measured.
    async fn analyze(&self) -> Result<()> {
        for database in ["few", "many"] {
            let pool = connect(&(self.url)(database)).await?;
            sqlx::raw_sql("analyze").execute(&pool).await?;
            pool.close().await;
        }
        Ok(())
    }

    async fn serve(&self, database: &str) -> Result<Server> {
        let (server, _) = self.orgate.serve(database, &(self.url)(database)).await?;
        Ok(server)
    }

    async fn measure_starts(&self) -> Result<Vec<Duration>> {
        eprintln!("measuring the start");
        let mut starts = Vec::new();
        for _ in 0..self.plan.rounds {
            let (server, took) = self.orgate.serve("start", &(self.url)("few")).await?;
            drop(server);
            starts.push(took);
        }
        Ok(starts)
    }

    async fn measure_all(&mut self, (few, many): (&Site, &Site), references: &References) -> Result<()> {
        let everybody = Whose::Organizations(many.population.organizations());
        let views = [
            View { site: few, place: Place::Few, whose: Whose::Organizations(FEW) },
            View { site: many, place: Place::FewOfMany, whose: Whose::Organizations(FEW) },
            View { site: many, place: Place::Many, whose: everybody },
        ];
        for view in views {
            let users = self.users(view, FAMILIES).take(FAMILIES);
            let tokens = view.site.population.start_families(view.site.server.issuer(), &users).await?;
            self.families.insert(view.place, Rc::new(Refresh::new(tokens)));
        }
        let limit = |time| Limit { time, operations: usize::MAX };
        let warm_up = Mode::WarmUp(limit(self.plan.window / 4));
        let measure = Mode::Measure(limit(self.plan.window));
        eprintln!("warming up");
        self.round(&warm_up, &views, references).await?;
        self.analyze().await?;
        for number in 1..=self.plan.rounds {
            eprintln!("round {number} of {}", self.plan.rounds);
            self.round(&measure, &views, references).await?;
        }
        Ok(())
    }

    /// Everything once, what is compared next to each other.
    async fn round(&mut self, mode: &Mode<'_>, views: &[View<'_>; 3], references: &References) -> Result<()> {
        let ([few, .., many], reference) = (views, &references.bare);
        self.federated(mode, &few.site.server).await?;
        if !self.plan.runs(Group::Own) {
            return Ok(());
        }
        self.documents(mode, &few.site.server).await?;
        let bare = |path: &str| Rc::new(Same::get(path));
        self.drive(mode, (Operation::BareJson, Place::Reference), reference, bare("/json")).await?;
        for view in views {
            self.back_channel(mode, *view).await?;
        }
        self.drive(mode, (Operation::BareSignature, Place::Reference), reference, bare("/sign")).await?;
        if let Some(foreign) = &references.oidc_provider {
            let machine = Rc::new(ForeignClientCredentials::new());
            self.drive(mode, (Operation::OidcProvider, Place::Reference), foreign, machine).await?;
        }
        let human = View { place: Place::OneHuman, whose: Whose::OneHuman, ..*many };
        let views = [views.as_slice(), &[human]].concat();
        for view in &views {
            self.silent_sso(mode, *view).await?;
        }
        self.add_up(Operation::CodeOnSession, (Operation::SilentSso, Operation::RedeemCode));
        for view in &views {
            self.sign_in(mode, *view).await?;
        }
        let password = Rc::new(Same::post("/password", PASSWORD));
        self.drive(mode, (Operation::BareArgon2id, Place::Reference), reference, password).await
    }

    /// What comes back from identity providers.
    async fn federated(&mut self, mode: &Mode<'_>, server: &Server) -> Result<()> {
        let federation = Rc::clone(self.federation.as_ref().context("there are no identity providers")?);
        let count = match mode {
            Mode::Measure(limit) => RETURNS_PER_SECOND * usize::try_from(limit.time.as_secs().max(1))?,
            Mode::WarmUp(_) | Mode::CountRoundTrips(_) => 4 * COUNTED,
        };
        if self.plan.runs(Group::Oidc) {
            let arrivals = federation.arrive(server.address, Protocol::Oidc, count).await?;
            let callback = Rc::new(Return::new(arrivals));
            self.drive(mode, (Operation::OidcCallback, Place::Few), server, callback).await?;
        }
        if self.plan.runs(Group::Saml) {
            let arrivals = federation.arrive(server.address, Protocol::Saml, count).await?;
            self.saml(mode, server, arrivals).await?;
        }
        Ok(())
    }

    /// Both requests of each sign-in, then one of the responses again with nothing around it.
    async fn saml(&mut self, mode: &Mode<'_>, server: &Server, arrivals: Vec<Arrival>) -> Result<()> {
        let federation = self.federation.as_ref().context("there are no identity providers")?;
        let any = arrivals.first().context("nobody came back")?;
        let bare = BareSaml::new(any, &federation.providers, server.issuer())?;
        let posts = Rc::new(PostResponse::new(arrivals));
        self.drive(mode, (Operation::SamlPost, Place::Few), server, posts.clone()).await?;
        let finish = Rc::new(Return::new(posts.accepted.take()));
        self.drive(mode, (Operation::SamlFinish, Place::Few), server, finish).await?;
        if let Mode::Measure(limit) = mode {
            for (operation, sample) in [
                (Operation::BareSamlResponse, bare.validate(self.meter.clock, limit.time)?),
                (Operation::BareSamlSignature, bare.verify(self.meter.clock, limit.time)?),
            ] {
                self.samples.entry((operation, Place::Reference)).or_default().push(sample);
            }
        }
        self.add_up(Operation::SamlResponse, (Operation::SamlPost, Operation::SamlFinish));
        Ok(())
    }

    /// Of a sign-in as a whole, as far as both of its requests were measured.
    fn add_up(&mut self, whole: Operation, (first, second): (Operation, Operation)) {
        let of = |operation| self.samples.get(&(operation, Place::Few));
        if let (Some(firsts), Some(seconds)) = (of(first), of(second)) {
            let both = firsts.iter().zip(seconds).map(|(first, second)| first.then(second)).collect();
            self.samples.insert((whole, Place::Few), both);
        }
        let trips = |operation| self.round_trips.get(&operation);
        if let (Some(first), Some(second)) = (trips(first), trips(second)) {
            let both = first + second;
            self.round_trips.insert(whole, both);
        }
    }

    async fn documents(&mut self, mode: &Mode<'_>, server: &Server) -> Result<()> {
        let discovery = Rc::new(Same::get("/.well-known/openid-configuration"));
        self.drive(mode, (Operation::Discovery, Place::Few), server, discovery).await?;
        self.drive(mode, (Operation::Jwks, Place::Few), server, Rc::new(Same::get("/jwks.json"))).await
    }

    async fn back_channel(&mut self, mode: &Mode<'_>, view: View<'_>) -> Result<()> {
        let View { site, place, .. } = view;
        let count = CODES_PER_SECOND * usize::try_from(self.plan.window.as_secs().max(1))?;
        let users = self.users(view, count).take(count);
        let redeem = Rc::new(RedeemCodes::new(site.population.issue_codes(&users).await?));
        self.drive(mode, (Operation::RedeemCode, place), &site.server, redeem.clone()).await?;
        let refresh = Rc::clone(self.families.get(&place).context("there are no refresh tokens")?);
        self.drive(mode, (Operation::Refresh, place), &site.server, refresh).await?;
        let machine = Rc::new(ClientCredentials::new(self.users(view, BEGUN)));
        self.drive(mode, (Operation::ClientCredentials, place), &site.server, machine).await?;
        if place != Place::Few {
            return Ok(());
        }
        let introspect = Rc::new(Introspect::new(redeem.access_tokens.borrow().clone()));
        self.drive(mode, (Operation::Introspect, place), &site.server, introspect).await?;
        let userinfo = Rc::new(Userinfo::new(redeem.access_tokens.take()));
        self.drive(mode, (Operation::Userinfo, place), &site.server, userinfo).await
    }

    async fn silent_sso(&mut self, mode: &Mode<'_>, view: View<'_>) -> Result<()> {
        let workload = Rc::new(SilentSso::new(self.users(view, BEGUN)));
        self.drive(mode, (Operation::SilentSso, view.place), &view.site.server, workload).await
    }

    /// The whole round of a browser; where only its end is of interest, the pages before are as many as
    /// that needs, and not recorded.
    async fn sign_in(&mut self, mode: &Mode<'_>, view: View<'_>) -> Result<()> {
        let View { site, place, .. } = view;
        let unrecorded = Mode::WarmUp(Limit { time: Duration::from_mins(1), operations: BEGUN });
        let before = if place == Place::Few { mode } else { &unrecorded };
        let authorize = Rc::new(Authorize::new(self.users(view, BEGUN)));
        self.drive(before, (Operation::Authorize, place), &site.server, authorize.clone()).await?;
        let page = Rc::new(SignInPage::new(authorize.begun.take()));
        self.drive(before, (Operation::SignInPage, place), &site.server, page.clone()).await?;
        let sign_in = Rc::new(SignIn::new(page.shown()));
        self.drive(mode, (Operation::SignIn, place), &site.server, sign_in).await
    }

    async fn count_round_trips(&mut self, few: &Site) -> Result<()> {
        eprintln!("counting round trips");
        let (proxy, server) = self.relay("few", few.server.issuer()).await?;
        let site = Site { server, population: Rc::clone(&few.population) };
        let view = View { site: &site, place: Place::Few, whose: Whose::Organizations(FEW) };
        let users = self.users(view, COUNTED).take(COUNTED);
        let tokens = site.population.start_families(site.server.issuer(), &users).await?;
        self.families.insert(view.place, Rc::new(Refresh::new(tokens)));
        let mode = Mode::CountRoundTrips(&proxy);
        self.federated(&mode, &site.server).await?;
        if !self.plan.runs(Group::Own) {
            return Ok(());
        }
        self.documents(&mode, &site.server).await?;
        self.back_channel(&mode, view).await?;
        self.silent_sso(&mode, view).await?;
        self.add_up(Operation::CodeOnSession, (Operation::SilentSso, Operation::RedeemCode));
        self.sign_in(&mode, view).await
    }

    /// The users whose turn it is. No two windows begin with the same.
    fn users(&mut self, view: View<'_>, count: usize) -> Users {
        let first = self.used;
        self.used += count;
        Users::new(&view.site.population, view.whose, first)
    }

    /// Another server for a database, and what counts its questions.
    async fn relay(&self, database: &str, issuer: &str) -> Result<(Proxy, Server)> {
        let url = (self.url)(database);
        let directory = std::env::temp_dir().join(format!("orgate-bench-{}-{database}", std::process::id()));
        let proxy = Proxy::start(&directory, &socket_directory(&url)?)?;
        let relayed = with_socket_directory(&url, &directory);
        let (server, _) = self.orgate.serve_as("round-trips", &relayed, Some(issuer)).await?;
        Ok((proxy, server))
    }

    async fn drive(
        &mut self,
        mode: &Mode<'_>,
        (operation, place): (Operation, Place),
        server: &Server,
        workload: Rc<dyn Workload>,
    ) -> Result<()> {
        let failed = || operation.label();
        let postgres = self.meter.postgres.filter(|_| place != Place::Reference);
        let meter = Meter { postgres, connections: operation.connections(), ..self.meter };
        match mode {
            Mode::WarmUp(limit) => {
                meter.measure(server, workload, *limit).await.with_context(failed)?;
            }
            Mode::Measure(_) if !self.plan.measures(operation) => {
                let limit = Limit { time: Duration::from_secs(1), operations: BEGUN };
                meter.measure(server, workload, limit).await.with_context(failed)?;
            }
            Mode::Measure(limit) => {
                let sample = meter.measure(server, workload, *limit).await.with_context(failed)?;
                self.samples.entry((operation, place)).or_default().push(sample);
            }
            Mode::CountRoundTrips(proxy) => {
                let count =
                    count_round_trips(proxy, server, &workload, COUNTED).await.with_context(failed)?;
                self.round_trips.insert(operation, count);
            }
        }
        Ok(())
    }
}

async fn connect(url: &str) -> Result<PgPool> {
    PgPoolOptions::new().max_connections(1).connect(url).await.context("the database cannot be reached")
}

/// The directory that everything of a run lies in, below cargo's target directory.
pub(crate) fn directory() -> Result<std::path::PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2).context("this program is not in a target directory")?;
    Ok(Path::new(target).join("bench"))
}
