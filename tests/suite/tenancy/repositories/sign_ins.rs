//! What sign-ins through an identity provider leave behind.

use std::sync::Arc;

use chrono::Duration;
use orgate_domain::connections::Attributes;
use orgate_domain::ids::TraceId;
use orgate_storage::{NewConnectionVersion, Refresh};
use orgate_tests::federated;
use orgate_tests::fixture::{hash, name, now, uuid};

use super::Calls;

impl Calls {
    pub(super) async fn find_federated(&mut self) {
        let (acme, made) = (Arc::clone(&self.acme), Arc::clone(&self.federated));
        let id = made.connection.id;
        calls! { self, tx;
            "ConnectionKeys::list" => tx.connection_keys().list(id);
            "Connections::find" => tx.connections().find(id);
            "Connections::find_version" => tx.connections().find_version(id, 1);
            "Connections::is_piloted" => tx.connections().is_piloted(id, &made.pilot);
            "Connections::list" => tx.connections().list();
            "Connections::list_conditions" => tx.connections().list_conditions(Some(id));
            "Connections::list_pilots" => tx.connections().list_pilots(id);
            "Connections::list_versions" => tx.connections().list_versions(id);
            "Identities::find_user" => tx.identities().find_user(federated::identity(id, &made.subject));
            "Identities::find_user_by_email" => tx.identities().find_user_by_email(&acme.user.email);
            "Identities::is_linked" => tx.identities().is_linked(acme.user.id, (id, federated::PROVIDER));
            "Refreshes::find" => tx.refreshes().find(id);
            "Refreshes::list_proposed" => tx.refreshes().list_proposed();
            "Upstream::find" => tx.upstream().find(&made.upstream.state);
            "Upstream::find_session" => tx.upstream().find_session(acme.signed_in.session.id);
            "Upstream::find_trace" => tx.upstream().find_trace(made.trace);
            "Upstream::list_sessions" =>
                tx.upstream().list_sessions(id, Some(&made.subject), std::slice::from_ref(&made.sid));
            "Upstream::list_traces" => tx.upstream().list_traces(id, 10);
        }
    }

    pub(super) async fn change_federated(&mut self) {
        let (acme, made) = (Arc::clone(&self.acme), Arc::clone(&self.federated));
        let id = made.connection.id;
        let name = name("Mine");
        calls! { self, tx;
            "ConnectionKeys::delete_next" => tx.connection_keys().delete_next(id, made.key.purpose);
            "ConnectionKeys::rotate" => tx.connection_keys().rotate(id, made.key.purpose);
            "Connections::update" => tx.connections().update(&made.connection, now());
            "Identities::update_name" => tx.identities().update_name(acme.user.id, &name, now());
            "RecoveryCodes::consume" => tx.recovery_codes().consume(acme.user.id, &made.recovery, now());
            "Upstream::answer" => tx.upstream().answer(&made.upstream.state, b"mine", now());
            "Upstream::consume" => tx.upstream().consume(&made.upstream.state, now());
            "Upstream::consume_and_hold" => tx.upstream().consume_and_hold(&made.upstream.state, now());
        }
    }

    pub(super) async fn insert_federated(&mut self) {
        let (acme, made) = (Arc::clone(&self.acme), Arc::clone(&self.federated));
        let connection = &made.connection;
        let (id, name, none) = (connection.id, name("Mine"), serde_json::Value::Null);
        let (roles, due) = ([acme.role.slug.to_string()].into(), now() + Duration::hours(1));
        let version = NewConnectionVersion {
            version: 2,
            settings: &made.settings,
            secrets: None,
            at: now(),
            by: federated::BY,
        };
        let refresh = Refresh { due_at: due, last_error: None, proposed: None, noticed: None };
        let trace = federated::new_trace(id, TraceId::from_uuid(uuid()), &none);
        calls! { self, tx;
            "ConnectionKeys::insert" => tx.connection_keys().insert(id, &made.key);
            "Connections::insert_version" => tx.connections().insert_version(id, &version);
            "Connections::replace_domains" => tx.connections().replace_domains(id, std::slice::from_ref(&acme.domain));
            "Connections::replace_pilots" =>
                tx.connections().replace_pilots(id, std::slice::from_ref(&made.pilot));
            "Identities::replace_mapped" =>
                tx.identities().replace_mapped((id, acme.user.id), &roles, &[].into());
            "Identities::save_link" => tx.identities().save_link(federated::identity(id, &made.subject), acme.user.id, (None, &Attributes::new()), now());
            "RecoveryCodes::replace" => tx.recovery_codes().replace(acme.user.id, &[hash()], now());
            "Refreshes::hasten" => tx.refreshes().hasten(id, now());
            "Refreshes::save" => tx.refreshes().save(id, &refresh);
            "Refreshes::settle" => tx.refreshes().settle(id, &made.settings);
            "Upstream::consume_assertion" => tx.upstream().consume_assertion(id, &made.assertion, due);
            "Upstream::insert" => tx.upstream().insert(&made.upstream);
            "Upstream::insert_trace" => tx.upstream().insert_trace(&trace);
            "Connections::insert" => tx.connections().insert(
                id, (&connection.slug, connection.protocol), (&name, connection.vendor), now());
        }
    }
}
