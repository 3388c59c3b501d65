//! Logout messages of both bindings, received and made.

use chrono::Duration;
use orgate_saml::binding::{MessageKind, RedirectQuery, decode_form_value};
use orgate_saml::check::Rejection;
use orgate_saml::logout::{
    IncomingLogout, LogoutCheck, LogoutOutcome, LogoutRequest, LogoutResponse, LogoutStatus, receive_request,
    receive_response,
};
use orgate_saml::response::NameId;
use serde::Deserialize;

use crate::support::{IDP, Keys, REQUEST, SLO, key, now, read};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    note: String,
    expect: Option<String>,
    response: bool,
    query: Option<String>,
}

fn check(keys: &Keys) -> LogoutCheck<'_> {
    LogoutCheck {
        idp_entity_id: IDP,
        slo_url: SLO,
        now: now(),
        clock_skew: Duration::minutes(2),
        max_age: Duration::minutes(10),
        signing_certificates: &keys.certificates,
        decryption_keys: &keys.keys,
    }
}

fn receive(check: &LogoutCheck<'_>, case: &Case) -> Result<String, Rejection> {
    let take = |message: IncomingLogout<'_>| {
        if case.response {
            receive_response(check, Some(REQUEST), message).map(|answer| format!("{:?}", answer.outcome))
        } else {
            receive_request(check, message)
                .map(|request| format!("{} {}", request.name_id.value, request.session_indexes.join(" ")))
        }
    };
    match &case.query {
        Some(query) => take(IncomingLogout::Redirect(&RedirectQuery::parse(query)?)),
        None => take(IncomingLogout::Post(&read(&format!("logout/{}.xml", case.name)))),
    }
}

#[test]
fn logout_messages_get_the_verdict_they_should() {
    let cases: Vec<Case> = serde_json::from_slice(&read("logout/cases.json")).expect("a manifest");
    let keys = Keys::standard();
    let mut wrong = Vec::new();

    for case in &cases {
        let found = receive(&check(&keys), case);
        let right = match (&found, &case.expect) {
            (Ok(text), None) if case.response => !text.is_empty(),
            (Ok(text), None) => text == "alice@example.test _session-1",
            (Err(rejection), Some(expected)) => rejection.check.name() == expected,
            _ => false,
        };
        if !right {
            wrong.push(format!("{} ({}): expected {:?}, found {found:?}", case.name, case.note, case.expect));
        }
    }

    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn without_certificates_nothing_is_accepted() {
    let cases: Vec<Case> = serde_json::from_slice(&read("logout/cases.json")).expect("a manifest");
    let nobody = Keys::named::<&str>(&[], &[]);

    for case in &cases {
        assert!(receive(&check(&nobody), case).is_err(), "{}", case.name);
    }
}

#[test]
fn our_own_messages_are_understood_in_both_bindings() {
    let signer = key("idp");
    let name_id = NameId {
        value: "a&b<c>\"d".to_owned(),
        format: Some("urn:x".to_owned()),
        name_qualifier: Some("q".to_owned()),
        sp_name_qualifier: None,
    };
    let sessions = ["_1".to_owned(), "_2".to_owned()];
    let request = LogoutRequest {
        id: "_request",
        issue_instant: now(),
        not_on_or_after: Some(now() + Duration::minutes(5)),
        destination: SLO,
        issuer: IDP,
        name_id: &name_id,
        session_indexes: &sessions,
    };
    let keys = Keys::standard();

    let url = request.redirect_url(Some("state & more"), &signer).expect("an address");
    let query = RedirectQuery::parse(url.split_once('?').expect("a query").1).expect("a message");
    let by_redirect = receive_request(&check(&keys), IncomingLogout::Redirect(&query)).expect("a request");
    let form = request.post_form(&signer).expect("a form");
    let posted = decode_form_value(&form.value).expect("base64");
    let by_post = receive_request(&check(&keys), IncomingLogout::Post(&posted)).expect("a request");

    assert_eq!((query.kind(), query.relay_state()), (MessageKind::Request, Some("state & more")));
    assert_eq!((form.action.as_str(), form.field), (SLO, "SAMLRequest"));
    assert_eq!(by_redirect, by_post);
    assert_eq!((by_post.id.as_str(), &by_post.name_id), ("_request", &name_id));
    assert_eq!(by_post.session_indexes, sessions);
}

#[test]
fn our_own_answers_are_understood() {
    let signer = key("idp");
    let keys = Keys::standard();
    for (status, expected) in [
        (LogoutStatus::Success, LogoutOutcome::Success),
        (LogoutStatus::Partial, LogoutOutcome::Partial),
        (
            LogoutStatus::Requester,
            LogoutOutcome::Failed("urn:oasis:names:tc:SAML:2.0:status:Requester".to_owned()),
        ),
    ] {
        let answer = LogoutResponse {
            id: "_answer",
            issue_instant: now(),
            destination: SLO,
            issuer: IDP,
            in_response_to: REQUEST,
            status,
        };

        let url = answer.redirect_url(None, &signer).expect("an address");
        let query = RedirectQuery::parse(url.split_once('?').expect("a query").1).expect("a message");
        let received = receive_response(&check(&keys), Some(REQUEST), IncomingLogout::Redirect(&query));
        let form = decode_form_value(&answer.post_form(&signer).expect("a form").value).expect("base64");
        let posted = receive_response(&check(&keys), Some(REQUEST), IncomingLogout::Post(&form));

        assert_eq!(received.as_ref().map(|answer| &answer.outcome), Ok(&expected));
        assert_eq!(received, posted);
    }
}
