//! What runs beside requests. Any number of nodes run the same jobs: work is claimed or harmless
//! to repeat.

use std::time::Duration;

use orgate_domain::ids::ClientId;
use orgate_flows::bootstrap;
use orgate_flows::deliver::{Mailer, deliver, tell_clients};
use orgate_flows::domains::check_due;
use orgate_flows::erase::erase_due;
use orgate_flows::federation::refresh::refresh_due;
use orgate_flows::keys::rotate_due;
use orgate_flows::manage::statistics;
use orgate_flows::ssf::{Setbacks, Turn, claim_due, fan_out};
use orgate_flows::webhooks;
use orgate_flows::{Env, Failure};
use orgate_storage::system::Outdated;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How often the outbox is looked at when it was empty.
const OUTBOX_PAUSE: Duration = Duration::from_secs(1);

/// Between two looks for events that were committed since.
const SEQUENCE_PAUSE: Duration = Duration::from_millis(500);

/// Between two counts of sign-ins.
const TALLY_PAUSE: Duration = Duration::from_secs(5);

/// Streams that one node pushes at once, and webhooks that it sends to. A turn mostly waits for its receiver.
const MAX_PUSHES: usize = 256;

/// How often connections are looked for that are due to be looked after.
const REFRESH_PAUSE: Duration = Duration::from_secs(30);

/// Between two batches of them.
const REFRESH_BREATH: Duration = Duration::from_millis(200);

/// How often what has expired is deleted.
const CLEAN_PAUSE: Duration = Duration::from_mins(1);

/// What has expired stays this long, so that a late replay is still recognized as one.
const KEPT: chrono::Duration = chrono::Duration::days(1);

/// Sessions and token families that have ended stay this long, for whoever looks into an incident.
const ENDED_KEPT: chrono::Duration = chrono::Duration::days(30);

/// Rows of each kind that one transaction deletes.
const CLEAN_BATCH: u32 = 5_000;

/// How long to wait before trying again to listen for changes.
const LISTEN_PAUSE: Duration = Duration::from_secs(1);

/// How long to wait before trying again to reload signing keys.
const RELOAD_PAUSE: Duration = Duration::from_secs(2);

/// Starts the jobs; they end when `stop` is cancelled.
pub fn spawn(env: &Env, mailer: Option<Mailer>, tasks: &TaskTracker, stop: &CancellationToken) {
    if let Some(mailer) = mailer {
        tasks.spawn(stop.clone().run_until_cancelled_owned(empty_outbox(env.clone(), mailer)));
    }
    tasks.spawn(stop.clone().run_until_cancelled_owned(tell_of_logouts(env.clone())));
    tasks.spawn(stop.clone().run_until_cancelled_owned(clean(env.clone())));
    tasks.spawn(stop.clone().run_until_cancelled_owned(refresh_connections(env.clone())));
    tasks.spawn(stop.clone().run_until_cancelled_owned(check_domains(env.clone())));
    tasks.spawn(stop.clone().run_until_cancelled_owned(rotate_keys(env.clone())));
    tasks.spawn(stop.clone().run_until_cancelled_owned(erase_organizations(env.clone())));
    tasks.spawn(stop.clone().run_until_cancelled_owned(give_streams_events(env.clone())));
    tasks.spawn(serve(Receivers::Streams, env.clone(), stop.clone()));
    tasks.spawn(stop.clone().run_until_cancelled_owned(sequence_events(env.clone())));
    tasks.spawn(stop.clone().run_until_cancelled_owned(tally_sign_ins(env.clone())));
    tasks.spawn(serve(Receivers::Webhooks, env.clone(), stop.clone()));
    tasks.spawn(stop.clone().run_until_cancelled_owned(follow_changes(env.clone())));
}

async fn empty_outbox(env: Env, mailer: Mailer) {
    loop {
        match deliver(&env, &mailer).await {
            Ok(0) => tokio::time::sleep(OUTBOX_PAUSE).await,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "the outbox could not be emptied");
                tokio::time::sleep(OUTBOX_PAUSE).await;
            }
        }
    }
}

async fn tell_of_logouts(env: Env) {
    let mut telling = JoinSet::new();
    loop {
        match tell_clients(&env, &mut telling).await {
            Ok(0) => tokio::time::sleep(OUTBOX_PAUSE).await,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "clients could not be told of logouts");
                tokio::time::sleep(OUTBOX_PAUSE).await;
            }
        }
    }
}

async fn give_streams_events(env: Env) {
    let mut setbacks = Setbacks::default();
    loop {
        match fan_out(&env, &mut setbacks).await {
            Ok(0) => tokio::time::sleep(OUTBOX_PAUSE).await,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "streams could not be given what happened");
                tokio::time::sleep(OUTBOX_PAUSE).await;
            }
        }
    }
}

/// Gives events their positions in the order of commits.
async fn sequence_events(env: Env) {
    loop {
        match webhooks::sequence(&env).await {
            Ok(true) => {}
            Ok(false) => tokio::time::sleep(SEQUENCE_PAUSE).await,
            Err(error) => {
                tracing::warn!(%error, "events could not be put in order");
                tokio::time::sleep(OUTBOX_PAUSE).await;
            }
        }
    }
}

/// Counts sign-ins by day, once they have their positions. Where many at once cannot be counted, it goes on with fewer.
async fn tally_sign_ins(env: Env) {
    let mut most = statistics::EVENTS;
    loop {
        match statistics::tally(&env, most).await {
            Ok(more) => {
                most = most.saturating_mul(2).min(statistics::EVENTS);
                if !more {
                    tokio::time::sleep(TALLY_PAUSE).await;
                }
            }
            Err(error) => {
                tracing::warn!(%error, most, "sign-ins could not be counted; they will be");
                most = (most / 2).max(1);
                tokio::time::sleep(TALLY_PAUSE).await;
            }
        }
    }
}

/// Who is sent what happens, turn by turn.
#[derive(Debug, Clone, Copy)]
enum Receivers {
    /// Streams, what waits in them.
    Streams,
    /// Webhooks, what they have not been told yet.
    Webhooks,
}

impl Receivers {
    async fn claim(self, env: &Env, limit: i64, stop: &CancellationToken) -> Result<Vec<Turn>, Failure> {
        match self {
            Self::Streams => claim_due(env, limit, stop).await,
            Self::Webhooks => webhooks::claim_due(env, limit, stop).await,
        }
    }
}

/// Takes turns at receivers. One that does not answer takes a turn until patience with it ends; turns are shared
/// when they are claimed, so that no receiver, host or organization has all of them. At the end every turn gives its
/// lease back.
async fn serve(receivers: Receivers, env: Env, stop: CancellationToken) {
    let mut turns = JoinSet::new();
    while !stop.is_cancelled() {
        while turns.try_join_next().is_some() {}
        let room = MAX_PUSHES.saturating_sub(turns.len());
        match receivers.claim(&env, i64::try_from(room).unwrap_or_default(), &stop).await {
            Ok(due) => due.into_iter().for_each(|turn| {
                turns.spawn(turn);
            }),
            Err(error) => tracing::warn!(%error, "no receiver could be served"),
        }
        tokio::select! {
            Some(_) = turns.join_next() => {} // it may be due again
            () = tokio::time::sleep(OUTBOX_PAUSE) => {}
            () = stop.cancelled() => {}
        }
    }
    while turns.join_next().await.is_some() {}
}

async fn refresh_connections(env: Env) {
    loop {
        match refresh_due(&env).await {
            Ok(0) => tokio::time::sleep(REFRESH_PAUSE).await,
            // Sign-ins come first: between batches the database is theirs.
            Ok(_) => tokio::time::sleep(REFRESH_BREATH).await,
            Err(error) => {
                tracing::warn!(%error, "connections could not be looked after");
                tokio::time::sleep(REFRESH_PAUSE).await;
            }
        }
    }
}

async fn check_domains(env: Env) {
    loop {
        match check_due(&env).await {
            Ok(0) => tokio::time::sleep(REFRESH_PAUSE).await,
            Ok(_) => tokio::time::sleep(REFRESH_BREATH).await,
            Err(error) => {
                tracing::warn!(%error, "domains could not be looked at");
                tokio::time::sleep(REFRESH_PAUSE).await;
            }
        }
    }
}

async fn erase_organizations(env: Env) {
    loop {
        match erase_due(&env).await {
            Ok(0) => tokio::time::sleep(REFRESH_PAUSE).await,
            Ok(_) => tokio::time::sleep(REFRESH_BREATH).await,
            Err(error) => {
                tracing::warn!(%error, "no organization could be erased");
                tokio::time::sleep(REFRESH_PAUSE).await;
            }
        }
    }
}

/// Looks after signing keys; and reads the shared issuer's again, the net under the notification of their
/// changes.
async fn rotate_keys(env: Env) {
    loop {
        match rotate_due(&env).await {
            Ok(0) => {
                tokio::time::sleep(REFRESH_PAUSE).await;
                if let Err(error) = bootstrap::open(&env).await {
                    tracing::warn!(%error, "the signing keys could not be read");
                }
            }
            Ok(_) => tokio::time::sleep(REFRESH_BREATH).await,
            Err(error) => {
                tracing::warn!(%error, "signing keys could not be looked after");
                tokio::time::sleep(REFRESH_PAUSE).await;
            }
        }
    }
}

async fn clean(env: Env) {
    loop {
        env.limits.forget_idle();
        env.store.close_idle();
        if let Err(error) = env.store.ensure_audit_partitions().await {
            tracing::warn!(%error, "the audit log's partitions could not be made");
        }
        while clean_once(&env).await >= CLEAN_BATCH.into() {}
        tokio::time::sleep(CLEAN_PAUSE).await;
    }
}

/// Deletes what one transaction takes; how many rows of the kind that there were most of.
async fn clean_once(env: &Env) -> u64 {
    let now = env.clock.now();
    let outdated = Outdated { expired_before: now - KEPT, ended_before: now - ENDED_KEPT };
    match env.store.clean(outdated, CLEAN_BATCH.into()).await {
        Ok(cleaned) => {
            tracing::debug!(?cleaned, "deleted what had expired");
            cleaned.most()
        }
        Err(error) => {
            tracing::warn!(%error, "what has expired could not be deleted");
            0
        }
    }
}

/// Forgets cached configuration when it changes, and reloads signing keys. After a lost connection
/// anything may have been missed, so everything is forgotten.
async fn follow_changes(env: Env) {
    loop {
        let (pending, mut reloads) = tokio::sync::watch::channel(false);
        let (documents, mut changed) = tokio::sync::mpsc::unbounded_channel();
        let follow = env.store.listen(|change| {
            if let Some(client) = change.and_then(changed_document) {
                // Strangers can have it happen: nothing else is forgotten for it. If nobody listens, nothing goes on.
                documents.send(client).unwrap_or_default();
                return;
            }
            if !change.is_some_and(|change| change.starts_with("signing_keys:")) {
                env.configuration.forget(); // keys are none of it, and rings change by themselves
                env.client_documents.forget();
            }
            let keys = env.keys.forget(change);
            pending.send_if_modified(|wanted| {
                *wanted |= keys;
                keys
            });
        });
        let reload = async {
            while reloads.changed().await.is_ok() {
                // Until it is done: no other notification may ever come.
                while let Err(error) = bootstrap::bootstrap(&env).await {
                    tracing::warn!(%error, "the signing keys could not be reloaded");
                    tokio::time::sleep(RELOAD_PAUSE).await;
                }
            }
        };
        let forget = async {
            while let Some((id, client_id)) = changed.recv().await {
                env.configuration.forget_client(id, &client_id).await;
                env.client_documents.forget_client(&client_id).await;
            }
        };
        tokio::select! {
            () = forget => {}
            result = follow => {
                if let Err(error) = result {
                    tracing::warn!(%error, "changes of configuration cannot be followed");
                }
            }
            () = reload => {}
        }
        tokio::time::sleep(LISTEN_PAUSE).await;
    }
}

/// The client whose document a notification is about.
fn changed_document(change: &str) -> Option<(ClientId, String)> {
    let (id, client_id) = change.strip_prefix("client_documents:")?.split_once(' ')?;
    Some((ClientId::from_uuid(id.parse().ok()?), client_id.to_owned()))
}
