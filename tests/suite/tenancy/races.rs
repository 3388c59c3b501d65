//! Whatever may happen once, attempted eight times at once.

use std::future::poll_fn;
use std::task::Poll;

use chrono::Duration;
use orgate_domain::audit::{Action, Origin};
use orgate_domain::clients::{Audience, Client};
use orgate_domain::connections::Attributes;
use orgate_domain::credentials::SecretHash;
use orgate_domain::email::DomainName;
use orgate_domain::ids::{
    AuthorizationRequestId, ClientId, DeviceRequestId, DomainId, EventId, GroupId, OrgId, StreamId,
};
use orgate_domain::names::Slug;
use orgate_protocol::jose::{SigningAlgorithm, SigningKey};
use orgate_storage::{
    ClientChange, Group, Holder, NewOrganization, NewSession, NewSigningKey, OrgTx, Rotation, StorageError,
};
use orgate_tests::federated::{identity, upstream_request};
use orgate_tests::fixture::{self, Fixture, Org, hash, new_challenge, new_device, new_grant, now, uuid};
use sqlx::postgres::PgPool;
use uuid::Uuid;

const RACERS: usize = 8;

/// Each statement decides within milliseconds: several rounds make it likely that some overlap badly.
const ROUNDS: usize = 5;

/// Begins eight transactions in an organization, then attempts the same in all of them at once, and commits each.
/// What the attempts said.
async fn race<T>(
    org: &Org,
    attempt: impl AsyncFn(&mut OrgTx) -> Result<T, StorageError>,
) -> Vec<Result<T, StorageError>> {
    let mut transactions = Vec::new();
    for _ in 0..RACERS {
        transactions.push(org.begin().await);
    }
    let attempts = transactions.into_iter().map(async |mut tx| {
        let outcome = attempt(&mut tx).await?;
        tx.commit().await?;
        Ok(outcome)
    });
    all(attempts).await
}

/// How many of the attempts won, none having failed.
async fn winners(org: &Org, attempt: impl AsyncFn(&mut OrgTx) -> Result<bool, StorageError>) -> usize {
    let outcomes = race(org, attempt).await.into_iter();
    outcomes.filter(|outcome| *outcome.as_ref().expect("an attempt does not fail")).count()
}

/// What each of these futures comes to, all being polled.
pub(super) async fn all<T>(futures: impl Iterator<Item: Future<Output = T>>) -> Vec<T> {
    let mut running: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    poll_fn(|context| {
        for (future, output) in running.iter_mut().filter(|(_, output)| output.is_none()) {
            if let Poll::Ready(value) = future.as_mut().poll(context) {
                *output = Some(value);
            }
        }
        if running.iter().all(|(_, output)| output.is_some()) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    running.into_iter().filter_map(|(_, output)| output).collect()
}

async fn count(superuser: &PgPool, query: &'static str, id: Uuid) -> i64 {
    sqlx::query_scalar(query).bind(id).fetch_one(superuser).await.expect("a count")
}

#[tokio::test]
async fn a_code_is_redeemed_once_and_starts_one_family() {
    let fixture = Fixture::new().await;
    let made = fixture.acme.everything().await;
    let behind = fixture.database.superuser();

    for round in 1..=ROUNDS {
        let issued = fixture.acme.code(&made.signed_in, &made.client).await;
        let winners = winners(&fixture.acme, async |tx| {
            let grant = new_grant(&issued.code, hash());
            tx.codes().redeem(&issued.hash, &grant, &fixture::event(Action::CodeRedeemed)).await
        })
        .await;
        assert_eq!(winners, 1);

        let family = issued.code.grant_id.as_uuid();
        assert_eq!(count(behind, "select count(*) from grants where id = $1", family).await, 1);
        assert_eq!(count(behind, "select count(*) from refresh_tokens where grant_id = $1", family).await, 1);
        let events = "select count(*) from audit_events where action = 'code.redeemed' and org_id = $1";
        assert_eq!(
            count(behind, events, fixture.acme.id().as_uuid()).await,
            1 + i64::try_from(round).expect("few")
        );
    }
}

/// Whoever begins a session and whoever changes its user wait for each other: no session outlives the change that was
/// to end it.
#[tokio::test]
async fn a_change_of_a_user_waits_for_sessions_that_begin_and_they_for_it() {
    let fixture = Fixture::new().await;
    let user = fixture.acme.everything().await.user.id;

    for seized in [Some(user), None] {
        for begins_first in [true, false] {
            let (mut first, mut second) = (fixture.acme.begin().await, fixture.acme.begin().await);
            if begins_first {
                first.users().hold(user).await.expect("held");
            } else {
                first.users().seize(seized).await.expect("seized");
            }
            let mut waiting = Box::pin(async {
                if begins_first {
                    second.users().seize(seized).await
                } else {
                    second.users().hold(user).await
                }
            });
            let early = tokio::time::timeout(std::time::Duration::from_millis(200), &mut waiting).await;
            assert!(early.is_err(), "{seized:?} {begins_first}: it waits");
            first.commit().await.expect("a commit");
            waiting.await.expect("its turn");
        }
    }
    let (mut one, mut other) = (fixture.acme.begin().await, fixture.acme.begin().await);
    one.users().hold(user).await.expect("held");
    other.users().hold(user).await.expect("those who begin do not wait for one another");
    drop((one, other));
    let (mut changing, mut closing) = (fixture.acme.begin().await, fixture.acme.begin().await);
    changing.organization().hold().await.expect("held");
    changing.users().seize(Some(user)).await.expect("seized");
    let mut waiting = Box::pin(async { closing.users().seize(None).await });
    let early = tokio::time::timeout(std::time::Duration::from_millis(200), &mut waiting).await;
    assert!(early.is_err(), "who ends everybody's waits for whoever begins another one in the place of one");
    changing.commit().await.expect("a commit");
    waiting.await.expect("its turn");
}

/// A sign-in through a connection may make its user, so it holds the organization; and what ends the connection's
/// sessions holds the connection before.
#[tokio::test]
async fn a_connection_that_is_closed_and_sign_ins_through_it_wait_for_one_another_in_one_order() {
    let fixture = Fixture::new().await;
    let made = fixture.acme.everything().await;
    let federated = fixture.acme.federated(&made).await;
    let connection = federated.connection.id;
    let (mut returning, mut closing) = (fixture.acme.begin().await, fixture.acme.begin().await);
    let used = returning.upstream().consume_and_hold(&federated.upstream.state, now()).await;
    assert!(used.expect("used up"));
    let mut waiting = Box::pin(async { closing.users().seize(None).await });
    let early = tokio::time::timeout(std::time::Duration::from_millis(200), &mut waiting).await;
    assert!(early.is_err(), "who comes back from the provider may begin a session");
    returning.commit().await.expect("a commit");
    waiting.await.expect("its turn");
    closing.commit().await.expect("a commit");

    for begins_first in [true, false] {
        let (mut first, mut second) = (fixture.acme.begin().await, fixture.acme.begin().await);
        if begins_first {
            first.organization().hold().await.expect("held");
        } else {
            first.users().seize(None).await.expect("seized");
        }
        let mut waiting = Box::pin(async {
            if begins_first { second.users().seize(None).await } else { second.organization().hold().await }
        });
        let early = tokio::time::timeout(std::time::Duration::from_millis(200), &mut waiting).await;
        assert!(early.is_err(), "{begins_first}: it waits");
        first.commit().await.expect("a commit");
        waiting.await.expect("its turn");
    }
    // Whoever begins no session goes on meanwhile: above all what writes the log, of all organizations in one.
    let (mut ending, mut another) = (fixture.acme.begin().await, fixture.acme.begin().await);
    ending.users().seize(None).await.expect("seized");
    another.audit().insert(&fixture::event(Action::TokenIssued)).await.expect("it does not wait");
    another.commit().await.expect("a commit");
    ending.commit().await.expect("a commit");
    let mut closing = fixture.acme.begin().await;
    assert!(closing.connections().lock(connection).await.expect("locked"));
    let referred_to = "select id from connections where id = $1 for key share nowait";
    let referred_to: Vec<Uuid> = sqlx::query_scalar(referred_to)
        .bind(connection.as_uuid())
        .fetch_all(fixture.database.superuser())
        .await
        .expect("whoever writes what refers to it does not wait");
    assert_eq!(referred_to, [connection.as_uuid()]);
}

/// What was written before a stream was answered for is committed by then, and what is written after sees it.
#[tokio::test]
async fn a_stream_that_is_made_waits_for_events_under_way_and_they_for_it() {
    let fixture = Fixture::new().await;
    let told = fixture::event(Action::UserConfigured);

    for written_first in [true, false] {
        let (mut first, mut second) = (fixture.acme.begin().await, fixture.acme.begin().await);
        if written_first {
            first.audit().insert(&told).await.expect("written");
        } else {
            first.event_streams().hold_events().await.expect("held");
        }
        let another = fixture::event(Action::UserConfigured);
        let mut waiting = Box::pin(async {
            if written_first {
                second.event_streams().hold_events().await
            } else {
                second.audit().insert(&another).await
            }
        });
        let early = tokio::time::timeout(std::time::Duration::from_millis(200), &mut waiting).await;
        assert!(early.is_err(), "{written_first}: it waits");
        first.commit().await.expect("a commit");
        waiting.await.expect("its turn");
    }
}

#[tokio::test]
async fn a_device_is_answered_once_by_whoever_is_first() {
    let fixture = Fixture::new().await;
    let made = fixture.acme.everything().await;
    let behind = fixture.database.superuser();

    for _ in 0..ROUNDS {
        let (device, _) = fixture.acme.device(&made.client).await;
        let shown = "select count(*) from device_user_codes where device_id = $1";
        assert_eq!(count(behind, shown, device.as_uuid()).await, 1);
        let (org_id, asked) = (fixture.globex.id(), AuthorizationRequestId::from_uuid(uuid()));
        let winners = winners(&fixture.acme, async |tx| {
            let by = AuthorizationRequestId::from_uuid(uuid());
            tx.device_requests().answer(device, by, Some(org_id), now()).await
        });
        assert_eq!(winners.await, 1);
        assert_eq!(count(behind, shown, device.as_uuid()).await, 0, "its user code leads nowhere any more");

        let (device, _) = fixture.acme.device(&made.client).await;
        let same = race(&fixture.acme, async |tx| {
            tx.device_requests().answer(device, asked, Some(org_id), now()).await
        });
        assert!(same.await.into_iter().all(|won| won.expect("an answer")), "who began may finish");
        let mut tx = fixture.acme.begin().await;
        let other = AuthorizationRequestId::from_uuid(uuid());
        assert!(!tx.device_requests().answer(device, asked, None, now()).await.expect("no answer"));
        assert!(!tx.device_requests().withdraw(device, other).await.expect("no answer"));
        assert!(tx.device_requests().withdraw(device, asked).await.expect("an answer"));
        assert!(!tx.device_requests().answer(device, asked, Some(org_id), now()).await.expect("an answer"));
        tx.commit().await.expect("a commit");
    }
}

#[tokio::test]
async fn a_user_code_is_one_devices() {
    let fixture = Fixture::new().await;
    let made = fixture.acme.everything().await;

    for _ in 0..ROUNDS {
        let shown = hash();
        let winners = winners(&fixture.acme, async |tx| {
            let id = DeviceRequestId::from_uuid(uuid());
            tx.device_requests().insert(&new_device(&made.client, (id, hash(), shown))).await
        });
        assert_eq!(winners.await, 1);
    }
}

#[tokio::test]
async fn a_refresh_token_is_rotated_once_and_has_one_successor() {
    let fixture = Fixture::new().await;
    let made = fixture.acme.everything().await;
    let behind = fixture.database.superuser();
    let mut presented = made.grant.refresh_token;

    for round in 1..=ROUNDS {
        let outcomes = race(&fixture.acme, async |tx| {
            let rotation = Rotation { presented, successor: hash(), expires_at: now() + Duration::days(1) };
            let event = fixture::event(Action::RefreshRotated);
            Ok(tx.grants().rotate(&rotation, &event).await?.then_some(rotation.successor))
        });
        let successors: Vec<SecretHash> = outcomes
            .await
            .into_iter()
            .filter_map(|outcome| outcome.expect("an attempt does not fail"))
            .collect();

        assert_eq!(successors.len(), 1);
        let (family, so_far) = (made.grant.id.as_uuid(), i64::try_from(round).expect("few"));
        assert_eq!(
            count(behind, "select count(*) from refresh_tokens where grant_id = $1", family).await,
            1 + so_far
        );
        let events =
            "select count(*) from audit_events where action = 'refresh_token.rotated' and org_id = $1";
        assert_eq!(count(behind, events, fixture.acme.id().as_uuid()).await, so_far);
        presented = successors[0];
    }
}

#[tokio::test]
async fn a_request_a_challenge_a_session_and_a_family_end_once() {
    let fixture = Fixture::new().await;
    let acme = &fixture.acme;
    let made = acme.everything().await;

    for _ in 0..ROUNDS {
        let request = acme.authorization_request(&made.client).await;
        let (answered, challenge) =
            (acme.authorization_request(&made.client).await, acme.challenge(&request).await);
        let signed_in = acme.sign_in(&made.user, &made.client).await;
        let granted = acme.redeem(&acme.code(&signed_in, &made.client).await).await;
        let message = acme.message().await;

        let consumed =
            winners(acme, async |tx| tx.authorization_requests().consume(request.id, now()).await).await;
        let origin = Origin::default();
        let session = NewSession {
            session: &signed_in.session,
            ends_by: None,
            token: signed_in.token,
            browser: signed_in.browser,
            origin: &origin,
            upstream: None,
        };
        let begun = winners(acme, async |tx| tx.sessions().begin(answered.id, &session, now()).await).await;
        let proven =
            winners(acme, async |tx| tx.discovery_challenges().consume(challenge.id, now()).await).await;
        let revoked = winners(acme, async |tx| tx.grants().revoke(granted.id, now()).await).await;
        let ended = winners(acme, async |tx| {
            let session = [(signed_in.session.id, EventId::from_uuid(uuid()))];
            Ok(tx.sessions().end(&session, &fixture::event(Action::SessionEnded)).await? == 1)
        })
        .await;
        acme.consent(made.user.id, &made.client).await;
        let client = made.client.key();
        let taken_back = winners(acme, async |tx| tx.consents().delete(made.user.id, client).await).await;
        let delivered = winners(acme, async |tx| tx.outbox().deliver(message, now()).await).await;

        assert_eq!([consumed, begun, proven, revoked, ended, taken_back, delivered], [1; 7]);
    }
}

/// Whichever comes first: either the client gets nothing, or it is told.
#[tokio::test]
async fn no_client_gets_tokens_in_a_session_of_whose_end_it_is_not_told() {
    let fixture = Fixture::new().await;
    let (acme, behind) = (&fixture.acme, fixture.database.superuser());
    let made = acme.everything().await;
    let listening = "update client_directory set backchannel_logout = true where id = $1";
    sqlx::query(listening).bind(made.client.id.as_uuid()).execute(behind).await.expect("updated");
    let told = "select count(*) from outbox where kind = 'backchannel_logout' and org_id = $1";

    for redeemed_first in [true, false] {
        let signed_in = acme.sign_in(&made.user, &made.client).await;
        let issued = acme.code(&signed_in, &made.client).await;
        let (grant, event) = (new_grant(&issued.code, hash()), fixture::event(Action::CodeRedeemed));
        let session = [(signed_in.session.id, EventId::from_uuid(uuid()))];
        let ended = fixture::event(Action::SessionEnded);
        let before = count(behind, told, acme.id().as_uuid()).await;
        let (mut redeeming, mut ending) = (acme.begin().await, acme.begin().await);

        let (redeemed, told_of) = if redeemed_first {
            let redeemed = redeeming.codes().redeem(&issued.hash, &grant, &event).await.expect("redeemed");
            let end = async {
                ending.sessions().end(&session, &ended).await.expect("ended");
                ending.commit().await.expect("a commit");
            };
            let commit = async {
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
                redeeming.commit().await.expect("a commit");
            };
            tokio::join!(end, commit);
            (redeemed, count(behind, told, acme.id().as_uuid()).await - before)
        } else {
            ending.sessions().end(&session, &ended).await.expect("ended");
            let redeem = async {
                let redeemed = redeeming.codes().redeem(&issued.hash, &grant, &event).await;
                redeeming.commit().await.expect("a commit");
                redeemed.expect("an attempt does not fail")
            };
            let commit = async {
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
                ending.commit().await.expect("a commit");
            };
            let (redeemed, ()) = tokio::join!(redeem, commit);
            (redeemed, count(behind, told, acme.id().as_uuid()).await - before)
        };

        assert_eq!((redeemed, told_of), (redeemed_first, i64::from(redeemed_first)));
        let revoked = "select count(*) from grants where session_id = $1 and revoked_at is null";
        assert_eq!(
            count(behind, revoked, signed_in.session.id.as_uuid()).await,
            0,
            "and nothing is left of it"
        );
    }
}

#[tokio::test]
async fn no_more_tries_are_taken_than_there_are() {
    let fixture = Fixture::new().await;
    let acme = &fixture.acme;
    let made = acme.everything().await;

    for _ in 0..ROUNDS {
        let (account, request) = (hash(), acme.authorization_request(&made.client).await);
        let challenge = acme.challenge(&request).await;

        let passwords =
            winners(acme, async |tx| tx.sign_ins().take_try(&account, 3, now(), Duration::minutes(15)).await);
        assert_eq!(passwords.await, 3);
        let codes = winners(acme, async |tx| {
            Ok(tx.discovery_challenges().take_try(challenge.request_id, now()).await?.is_some())
        });
        assert_eq!(codes.await, 5);
    }
}

#[tokio::test]
async fn no_more_mails_are_asked_for_than_an_address_or_a_request_allows() {
    let fixture = Fixture::new().await;
    let acme = &fixture.acme;
    let made = acme.everything().await;
    let since = now() - Duration::minutes(15);

    for _ in 0..ROUNDS {
        let mut requests = Vec::new();
        for _ in 0..RACERS {
            requests.push(acme.authorization_request(&made.client).await.id);
        }
        let (address, waiting) = (hash(), std::sync::Mutex::new(requests.clone()));

        let to_one_address = winners(acme, async |tx| {
            let request = waiting.lock().expect("a lock").pop().expect("one each");
            tx.discovery_challenges().insert(&new_challenge(request, address), 3, since).await
        });
        assert_eq!(to_one_address.await, 3);
        let from_one_request = winners(acme, async |tx| {
            tx.discovery_challenges().insert(&new_challenge(requests[0], hash()), 3, since).await
        });
        assert!(from_one_request.await <= 3);
    }
}

#[tokio::test]
async fn a_message_is_claimed_by_one() {
    let fixture = Fixture::new().await;

    for _ in 0..ROUNDS {
        let mut waiting = Vec::new();
        for org in [&fixture.acme, &fixture.globex, &fixture.acme] {
            waiting.push((org.scope, org.message().await));
        }
        let claims = (0..RACERS).map(|_| {
            fixture.store.claim_messages(&["discovery_mail"], (now(), now() + Duration::minutes(2)), 2)
        });
        let claimed = all(claims).await.into_iter().flat_map(|claimed| claimed.expect("a claim"));
        let mut claimed: Vec<_> = claimed.collect();

        claimed.sort_by_key(|(_, id)| *id);
        assert_eq!(claimed, waiting);
    }
}

#[tokio::test]
async fn a_stream_is_leased_by_one_and_verified_once() {
    let fixture = Fixture::new().await;
    let mut streams = Vec::new();
    for org in [&fixture.acme, &fixture.globex] {
        let made = org.everything().await;
        streams.push((org.scope, org.stream(&made.client, made.user.id).await.id));
    }
    streams.sort_by_key(|(_, id)| *id);

    for round in 1..=ROUNDS {
        let at = now() + Duration::minutes(3 * i64::try_from(round).expect("few"));
        let claims =
            (0..RACERS).map(|_| fixture.store.claim_streams((at, at + Duration::minutes(2)), (1, 10)));
        let claimed = all(claims).await.into_iter().flat_map(|claimed| claimed.expect("a claim"));
        let mut claimed: Vec<_> = claimed.collect();
        claimed.sort_by_key(|(_, id)| *id);
        assert_eq!(claimed, streams);

        let (_, id) = *streams.iter().find(|(scope, _)| *scope == fixture.acme.scope).expect("Acme's");
        let before = at - Duration::seconds(30);
        let verified =
            winners(&fixture.acme, async |tx| tx.event_streams().take_verification(id, (at, before)).await);
        assert_eq!(verified.await, 1);
    }
}

#[tokio::test]
async fn a_receiver_never_has_more_streams_than_it_may() {
    let fixture = Fixture::new().await;
    let made = fixture.acme.everything().await;
    let terms = fixture.acme.stream(&made.client, made.user.id).await.terms;

    let key = Holder { client: made.client.key(), issuer: fixture::ISSUER };
    let won = winners(&fixture.acme, async |tx| {
        tx.event_streams().insert((StreamId::from_uuid(uuid()), key), &terms, (4, now())).await
    });

    assert_eq!(won.await, 3);
}

#[tokio::test]
async fn of_two_nodes_that_start_one_makes_the_keys() {
    let fixture = Fixture::new().await;
    let key = SigningKey::generate(SigningAlgorithm::Es256).expect("a key");

    let data_keys =
        winners(&fixture.acme, async |tx| tx.keys().insert_data_key(hash().as_bytes(), now()).await);
    assert_eq!(data_keys.await, 1);
    let signing_keys = winners(&fixture.acme, async |tx| {
        let new = NewSigningKey {
            kid: &uuid().to_string(),
            algorithm: SigningAlgorithm::Es256,
            private_key: b"sealed",
            public_jwk: &key.public_jwk(),
            created_at: now(),
            promoted_at: Some(now()),
        };
        tx.keys().insert_signing_key(&new).await
    });
    assert_eq!(signing_keys.await, 1);
}

#[tokio::test]
async fn a_name_is_given_to_one() {
    let fixture = Fixture::new().await;
    let (acme, globex) = (&fixture.acme, &fixture.globex);
    let client = acme.client("template", Audience::All).await;
    let domain = DomainName::parse("initech.test").expect("a domain");
    let slug = Slug::parse("initech").expect("a slug");

    let founded = async |_| {
        let scope = fixture.store.found(OrgId::from_uuid(uuid())).await?;
        let mut tx = fixture.store.begin(&scope).await?;
        let name = fixture::name("Initech");
        let new = NewOrganization { slug: &slug, name: &name, parent: None, is_operator: false, at: now() };
        tx.organization().insert(&new).await?;
        tx.commit().await
    };
    let registered = async |racer: usize| {
        let mut tx = [acme, globex][racer % 2].begin().await;
        let id = ClientId::from_uuid(uuid());
        let mine = Client { id, client_id: "initech".to_owned(), ..client.clone() };
        tx.clients().save(&ClientChange { client: &mine, with_status: true, at: now() }).await?;
        tx.commit().await
    };
    let verified = async |racer: usize| {
        let mut tx = [acme, globex][racer % 2].begin().await;
        tx.domains().save_vouched(DomainId::from_uuid(uuid()), &domain, now()).await?;
        tx.commit().await
    };
    let (slugs, clients) = (all((0..RACERS).map(founded)).await, all((0..RACERS).map(registered)).await);
    // An organization may prove a domain again: of eight attempts, four are the winner's.
    let domains = all((0..RACERS).map(verified)).await;

    assert_eq!([given(&slugs), given(&clients), given(&domains)], [1, 1, 4]);
}

/// How many attempts got the name, the others having been told that it is taken.
fn given(outcomes: &[Result<(), StorageError>]) -> usize {
    let told = |outcome: &Result<(), StorageError>| match outcome {
        Ok(()) => true,
        Err(StorageError::Conflict { .. }) => false,
        Err(error) => panic!("{error:?}"),
    };
    outcomes.iter().filter(|outcome| told(outcome)).count()
}

#[tokio::test]
async fn an_answer_an_assertion_a_recovery_code_and_an_identity_are_taken_once() {
    let fixture = Fixture::new().await;
    let made = fixture.acme.everything().await;
    let federated = fixture.acme.federated(&made).await;
    let (id, until) = (federated.connection.id, now() + Duration::minutes(10));

    for round in 1..=ROUNDS {
        let upstream = upstream_request(&federated.connection, &made.request);
        let (assertion, subject, code) = (format!("_{round}"), format!("subject {round}"), hash());
        let mut tx = fixture.acme.begin().await;
        tx.upstream().insert(&upstream).await.expect("a request");
        tx.recovery_codes().replace(made.user.id, &[code], now()).await.expect("a code");
        tx.commit().await.expect("a commit");
        let racers = [
            winners(&fixture.acme, async |tx| tx.upstream().answer(&upstream.state, b"kept", now()).await)
                .await,
            winners(&fixture.acme, async |tx| tx.upstream().consume_and_hold(&upstream.state, now()).await)
                .await,
            winners(&fixture.acme, async |tx| tx.upstream().consume_assertion(id, &assertion, until).await)
                .await,
            winners(&fixture.acme, async |tx| {
                Ok(tx.recovery_codes().consume(made.user.id, &code, now()).await?.is_some())
            })
            .await,
        ];
        assert_eq!(racers, [1; 4]);
        let bob = fixture.acme.user(&format!("bob{round}")).await;
        let mut tx = fixture.acme.begin().await;
        assert!(
            tx.identities()
                .save_link(identity(id, &subject), bob.id, (None, &Attributes::new()), now())
                .await
                .expect("linked")
        );
        tx.commit().await.expect("a commit");
        let taken = winners(&fixture.acme, async |tx| {
            tx.identities()
                .save_link(identity(id, &subject), made.user.id, (None, &Attributes::new()), now())
                .await
        })
        .await;
        assert_eq!(taken, 0, "an identity that is bound stays bound");
    }
}

/// A sign-in that found what a group gives, and its change, in either order: nobody is left in a group that gives
/// more than their connection's ceiling.
#[tokio::test]
async fn nobody_comes_into_a_group_by_what_it_gave_before() {
    let fixture = Fixture::new().await;
    let acme = &fixture.acme;
    let made = acme.everything().await;
    let connection = acme.federated(&made).await.connection.id;
    let behind = fixture.database.superuser();
    sqlx::raw_sql("update connection_versions set role_ceiling = '{}'")
        .execute(behind)
        .await
        .expect("a ceiling");
    let role = &made.role;
    let group = |roles| Group {
        id: GroupId::from_uuid(uuid()),
        slug: Slug::parse("staff").expect("a slug"),
        name: fixture::name("Staff"),
        roles,
        parents: [].into(),
        inherited: [].into(),
    };
    let empty = group([].into());
    let raised = Group { roles: [(role.slug.clone(), role.id)].into(), ..empty.clone() };
    let mut tx = acme.begin().await;
    tx.groups().save(&empty, now()).await.expect("a group");
    tx.commit().await.expect("a commit");

    let mut sign_in = acme.begin().await;
    sign_in.groups().hold().await.expect("held");
    let mut change = acme.begin().await;
    let change = tokio::spawn(async move {
        change.groups().save(&raised, now()).await.expect("a change");
        change.commit().await.expect("a commit");
    });
    let (mapped, staff) = ((connection, made.user.id), ["staff".to_owned()].into());
    sign_in.identities().replace_mapped(mapped, &[].into(), &staff).await.expect("into the group");
    tokio::time::sleep(std::time::Duration::from_millis(200)).await; // without the lock the change is done by then
    sign_in.commit().await.expect("a commit");
    change.await.expect("changed");

    assert_eq!(
        count(behind, "select count(*) from mapped_groups where org_id = $1", acme.id().as_uuid()).await,
        0
    );
}
