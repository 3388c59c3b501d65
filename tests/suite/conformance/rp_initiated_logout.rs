//! The plan RP-Initiated Logout OP (OpenID Connect RP-Initiated Logout 1.0).

use orgate_protocol::oauth::authorize::ResponseMode;
use orgate_tests::app::{CALLBACK, Page, SIGNED_OUT};

use super::relying_party::{ADA, RelyingParty};

/// A relying party whose user is signed in, and their ID token.
async fn signed_in() -> (RelyingParty, String) {
    let rp = RelyingParty::start(ResponseMode::Query).await;
    let id_token = rp.tokens(&[]).await.text("id_token");
    (rp, id_token)
}

impl RelyingParty {
    /// Sends the browser to the end-session endpoint.
    async fn log_out(&self, params: &[(&str, &str)]) -> Page {
        let mut url = self.app.at("/logout");
        url.query_pairs_mut().extend_pairs(params);
        self.browser.get(url).await
    }

    /// Whether Ada has a session in this browser.
    async fn is_signed_in(&self) -> bool {
        let answer = self.ask(&[("prompt", "none")]).await;
        answer.get("error").inspect(|error| assert_eq!(*error, "login_required")).is_none()
    }

    /// The person says yes to the page that asks.
    async fn confirm(&self, page: &Page) -> Page {
        assert!(is_question(page), "{} {}", page.status, page.body);
        let (request, csrf) = (page.field("request"), page.field("csrf"));
        self.browser.post("/logout/confirm", &[("request", &request), ("csrf", &csrf)]).await
    }
}

/// Whether a page asks the person whether to log out (§2).
fn is_question(page: &Page) -> bool {
    page.status == 200 && page.location().is_none() && page.body.contains("<h1>Sign out of <bdi>")
}

/// Whether a page says that the person is logged out, and leads nowhere.
fn is_farewell(page: &Page) -> bool {
    page.status == 200 && page.location().is_none() && page.body.contains("<h1>You are signed out</h1>")
}

/// Whether a page says that the request is wrong, and leads nowhere (§4).
fn is_refusal(page: &Page) -> bool {
    page.status == 400 && page.location().is_none() && page.body.contains("We could not sign you out")
}

fn leads_to(page: &Page) -> Option<String> {
    page.location().map(|to| to.to_string())
}

/// §2.1: the document names the endpoint, which takes GET and POST (§2).
#[tokio::test]
async fn oidcc_rp_initiated_logout_discovery_endpoint_verification() {
    let (rp, id_token) = signed_in().await;
    let document = rp.app.get("/.well-known/openid-configuration").await.body;
    let endpoint = document["end_session_endpoint"].as_str().expect("an address");
    assert_eq!(endpoint, rp.app.at("/logout").as_str());

    let got = rp.browser.get(endpoint).await;
    let form = [("id_token_hint", id_token.as_str()), ("post_logout_redirect_uri", SIGNED_OUT)];
    let posted = rp.browser.post(endpoint, &form).await;
    let posted = rp.browser.get(posted.location().expect("repeated with cookies")).await;

    assert!(is_question(&got), "{}", got.body);
    assert_eq!(leads_to(&posted).as_deref(), Some(SIGNED_OUT));
    assert!(!rp.is_signed_in().await);
}

/// §2 and §3: with its own ID token and an address that it registered, the RP logs out and gets the browser back.
#[tokio::test]
async fn oidcc_rp_initiated_logout() {
    let (rp, id_token) = signed_in().await;
    let others = rp.app.browser();
    others.sign_in_to("acme", "vic@acme.test").await;

    let state = "a state & more=";
    let request =
        [("id_token_hint", id_token.as_str()), ("post_logout_redirect_uri", SIGNED_OUT), ("state", state)];
    let page = rp.log_out(&request).await;

    let to = page.location().expect("the RP");
    assert_eq!(to.as_str().split('?').next(), Some(SIGNED_OUT));
    assert_eq!(to.query_pairs().collect::<Vec<_>>(), [("state".into(), state.into())]);
    assert!(!rp.is_signed_in().await);
    let again = rp.log_out(&request).await;
    assert_eq!(again.location(), Some(to), "there is nothing left to ask about");
    let still = others.authorize(&[("organization", "acme"), ("prompt", "none")]).await;
    assert!(!still.answer("code").is_empty(), "one browser's session is not another's");
}

/// §3: the browser goes to no address that is not registered, be it ever so alike.
#[tokio::test]
async fn oidcc_rp_initiated_logout_bad_post_logout_redirect_uri() {
    let (rp, id_token) = signed_in().await;

    for uri in [
        "https://evil.test/",
        "http://localhost:9",
        "http://localhost:9/evil",
        "http://LOCALHOST:9/",
        "http://localhost:9/#x",
        CALLBACK,
        "javascript:alert(1)",
    ] {
        let request = [("id_token_hint", id_token.as_str()), ("post_logout_redirect_uri", uri)];
        assert!(is_refusal(&rp.log_out(&request).await), "{uri}");
    }
    assert!(rp.is_signed_in().await);
}

/// §3: a registered address with a query added is another address.
#[tokio::test]
async fn oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri() {
    let (rp, id_token) = signed_in().await;

    for query in ["?foo=bar", "?", "?state=x"] {
        let uri = format!("{SIGNED_OUT}{query}");
        let request =
            [("id_token_hint", id_token.as_str()), ("post_logout_redirect_uri", &uri), ("state", "s")];
        assert!(is_refusal(&rp.log_out(&request).await), "{uri}");
    }
    assert!(rp.is_signed_in().await);
}

/// §2: the OP validates that it was the issuer of the ID token; another's or a changed one proves nothing.
#[tokio::test]
async fn oidcc_rp_initiated_logout_modified_id_token_hint() {
    let (rp, id_token) = signed_in().await;
    let parts: Vec<&str> = id_token.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("not a token: {id_token}") };
    let flipped = |text: &str| {
        let (first, rest) = text.split_at(1);
        format!("{}{rest}", if first == "A" { "B" } else { "A" })
    };

    for modified in [
        format!("{header}.{payload}.{}", flipped(signature)),
        format!("{header}.{}.{signature}", flipped(payload)),
        format!("{}.{payload}.{signature}", flipped(header)),
        format!("{header}.{payload}."),
        format!("eyJhbGciOiJub25lIn0.{payload}."),
    ] {
        let request = [("id_token_hint", modified.as_str()), ("post_logout_redirect_uri", SIGNED_OUT)];
        assert!(is_refusal(&rp.log_out(&request).await), "{modified}");
        assert!(is_refusal(&rp.log_out(&request[..1]).await), "{modified}");
    }
    assert!(rp.is_signed_in().await);
}

/// §2: what is no ID token of this OP, or is one of another client or another session, logs nobody out by itself.
#[tokio::test]
async fn oidcc_rp_initiated_logout_bad_id_token_hint() {
    let (rp, id_token) = signed_in().await;
    let access_token = rp.redeem(&rp.ask(&[]).await).await.text("access_token");
    for bad in ["bad", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", &access_token] {
        let request = [("id_token_hint", bad), ("post_logout_redirect_uri", SIGNED_OUT)];
        assert!(is_refusal(&rp.log_out(&request).await), "{bad}");
    }
    let other_client = [("id_token_hint", id_token.as_str()), ("client_id", "granted")];
    assert!(is_refusal(&rp.log_out(&other_client).await), "§2: client_id has to match");
    assert!(rp.is_signed_in().await);

    let of_vic = rp.app.sign_in("acme", "vic@acme.test").await.text("id_token");
    let request = [("id_token_hint", of_vic.as_str()), ("post_logout_redirect_uri", SIGNED_OUT)];
    let page = rp.log_out(&request).await;
    assert!(is_question(&page), "§2: it does not belong to this browser's session, so the person is asked");
    assert!(page.body.contains(ADA) && rp.is_signed_in().await);
    assert_eq!(leads_to(&rp.confirm(&page).await).as_deref(), Some(SIGNED_OUT));
    assert!(!rp.is_signed_in().await);
}

/// §2: without an ID token the person is asked, and the browser goes back only where `client_id` says whose the
/// address is (§3).
#[tokio::test]
async fn oidcc_rp_initiated_logout_no_id_token_hint() {
    let (rp, _) = signed_in().await;
    let request = [("post_logout_redirect_uri", SIGNED_OUT), ("state", "s")];
    assert!(is_refusal(&rp.log_out(&request).await), "whose address it is nobody knows");
    assert!(rp.is_signed_in().await);

    let page = rp.log_out(&[&request[..], &[("client_id", "notes")]].concat()).await;

    assert!(is_question(&page), "{} {}", page.status, page.body);
    assert!(rp.is_signed_in().await, "nothing has ended yet");
    let forged =
        rp.browser.post("/logout/confirm", &[("request", &page.field("request")), ("csrf", "x")]).await;
    assert!(forged.status == 400 && rp.is_signed_in().await, "another site cannot answer for the person");
    assert_eq!(leads_to(&rp.confirm(&page).await), Some(format!("{SIGNED_OUT}?state=s")));
    assert!(!rp.is_signed_in().await);
}

/// §2: everything is optional. The person is asked, and the OP shows them that they are logged out.
#[tokio::test]
async fn oidcc_rp_initiated_logout_no_params() {
    let (rp, _) = signed_in().await;

    let page = rp.log_out(&[]).await;

    assert!(is_question(&page), "{} {}", page.status, page.body);
    assert!(rp.is_signed_in().await, "a link on any page leads here");
    assert!(is_farewell(&rp.confirm(&page).await));
    assert!(!rp.is_signed_in().await);
    assert!(is_farewell(&rp.log_out(&[]).await), "nobody is asked about nothing");
}

/// §2 and §3: without an address the browser stays.
#[tokio::test]
async fn oidcc_rp_initiated_logout_no_post_logout_redirect_uri() {
    let (rp, id_token) = signed_in().await;

    let page = rp.log_out(&[("id_token_hint", &id_token), ("state", "s")]).await;

    assert!(is_farewell(&page), "{} {}", page.status, page.body);
    assert!(!rp.is_signed_in().await);
}

/// §3: `state` comes back if it was sent, and not otherwise; an ID token that has expired is good for this (§2).
#[tokio::test]
async fn oidcc_rp_initiated_logout_no_state() {
    let (rp, id_token) = signed_in().await;
    rp.app.clock.advance(chrono::Duration::hours(2));

    let page = rp.log_out(&[("id_token_hint", &id_token), ("post_logout_redirect_uri", SIGNED_OUT)]).await;

    assert_eq!(leads_to(&page).as_deref(), Some(SIGNED_OUT));
    assert!(!rp.is_signed_in().await);
}

/// §2: a state alone leads nowhere, and proves nothing: the person is asked.
#[tokio::test]
async fn oidcc_rp_initiated_logout_only_state() {
    let (rp, _) = signed_in().await;

    let page = rp.log_out(&[("state", "s")]).await;

    assert!(is_question(&page), "{} {}", page.status, page.body);
    assert!(rp.is_signed_in().await);
    assert!(is_farewell(&rp.confirm(&page).await));
    assert!(!rp.is_signed_in().await);
}
