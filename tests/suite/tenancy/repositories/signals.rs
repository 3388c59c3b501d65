//! Streams of security events.

use std::sync::Arc;

use orgate_domain::streams::EventSubject;
use orgate_protocol::ssf::StreamStatus;
use orgate_storage::{Affected, Holder, Pushed};
use orgate_tests::fixture::signals::{new_stream_event, without};
use orgate_tests::fixture::{self, now};

use super::Calls;

impl Calls {
    /// What shared signals add.
    pub(super) async fn stream_events(&mut self) {
        let acme = Arc::clone(&self.acme);
        let client = (self.fixture.acme.id(), acme.client.id);
        let (user, key) = (acme.user.id, Holder { client, issuer: fixture::ISSUER });
        let stream = self.fixture.acme.stream(&acme.client, user).await;
        let id = stream.id;
        let (leased_until, at) = (stream.leased_until, now());
        let excluded = EventSubject { user: Some(user), session: None };
        let exclusion = without(user);
        let as_of = stream.updated_at;
        let pushed = Pushed { leased_until, seen: 9, due_at: None, failing: None, as_of, at };
        let paused = (StreamStatus::Paused, None);
        let event = new_stream_event();
        calls! { self, tx;
            "EventStreams::take_turn" => tx.event_streams().take_turn();
            "EventStreams::find" => tx.event_streams().find(id, key);
            "EventStreams::find_leased" => tx.event_streams().find_leased(id, leased_until);
            "EventStreams::list" => tx.event_streams().list(key);
            "EventStreams::list_excluding" => tx.event_streams().list_excluding(&excluded.exclusions(None));
            "EventStreams::list_receivers" => tx.event_streams().list_receivers();
            "EventStreams::lock" => tx.event_streams().lock(id, key);
            "EventStreams::lock_all" => tx.event_streams().lock_all();
            "Signals::list" => async { tx.signals().list(10).await.map(|signals| signals.len()) };
            "Signals::list_addresses" => tx.signals().list_addresses(&[user]);
            "Signals::list_affected" => tx.signals().list_affected(Affected::Role("admin"), (None, at), 10);
            "Signals::list_signed_in" => tx.signals().list_signed_in(&[user], at);
            "StreamEvents::count_each" => tx.stream_events().count_each();
            "StreamEvents::count" => tx.stream_events().count(id);
            "StreamEvents::list" => tx.stream_events().list(id, None, 10);
            "EventStreams::forget_failures" => tx.event_streams().forget_failures(id);
            "EventStreams::hold_events" => tx.event_streams().hold_events();
            "EventStreams::include" => tx.event_streams().include(id, &exclusion);
            "EventStreams::pause_failing" =>
                tx.event_streams().pause_failing((id, as_of), (leased_until, "mine"), at);
            "EventStreams::release" => tx.event_streams().release(id, &pushed);
            "EventStreams::take_verification" => tx.event_streams().take_verification(id, (at, at));
            "EventStreams::update" => tx.event_streams().update(id, &stream.terms, at);
            "EventStreams::update_status" => tx.event_streams().update_status(id, paused, at);
            "Signals::delete" => tx.signals().delete(&stream.signals);
            "Signals::update_told_to" => tx.signals().update_told_to(stream.signals[0], user);
            "StreamEvents::append" => tx.stream_events().append(id, std::slice::from_ref(&event), at);
            "StreamEvents::clear" => tx.stream_events().clear(id);
            "StreamEvents::delete_announcements" => tx.stream_events().delete_announcements(id);
            "StreamEvents::delete_last_of" => tx.stream_events().delete_last_of(id, "mine");
            "StreamEvents::delete" => tx.stream_events().delete(id, std::slice::from_ref(&stream.jti));
            "EventStreams::delete" => tx.event_streams().delete(id, key);
            "EventStreams::exclude" => tx.event_streams().exclude(id, &exclusion, (10, at));
            "EventStreams::insert" => tx.event_streams().insert((id, key), &stream.terms, (10, at));
        }
    }
}
