//! The Rust `openidconnect` crate, which nobody here wrote, as the application.

use std::future::Future;
use std::pin::Pin;

use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata};
use openidconnect::{
    AsyncHttpClient, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse,
    IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, RedirectUrl, Scope, TokenResponse as _,
};
use orgate_tests::app::{App, CALLBACK, PASSWORD, SECRET};

/// The crate's HTTP, by the client that the rest of the suite uses.
struct Http(reqwest::Client);

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = reqwest::Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, reqwest::Error>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let response = self.0.execute(request.try_into()?).await?;
            let (status, headers) = (response.status(), response.headers().clone());
            let mut answer = HttpResponse::new(response.bytes().await?.to_vec());
            *answer.status_mut() = status;
            *answer.headers_mut() = headers;
            Ok(answer)
        })
    }
}

#[tokio::test]
async fn a_foreign_client_discovers_signs_in_verifies_and_refreshes() {
    let app = App::start().await;
    let http =
        Http(reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("built"));
    let issuer = IssuerUrl::new(app.base.as_str().trim_end_matches('/').to_owned()).expect("an issuer");
    let metadata = CoreProviderMetadata::discover_async(issuer, &http).await.expect("discovered");
    let client = CoreClient::from_provider_metadata(
        metadata,
        ClientId::new("notes".to_owned()),
        Some(ClientSecret::new(SECRET.to_owned())),
    )
    .set_redirect_uri(RedirectUrl::new(CALLBACK.to_owned()).expect("an address"));
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();

    let (url, state, nonce) = client
        .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
        .add_scope(Scope::new("email".to_owned()))
        .add_scope(Scope::new("offline_access".to_owned()))
        .add_extra_param("organization", "acme")
        .set_pkce_challenge(challenge)
        .url();
    let browser = app.browser();
    let page = browser.get(url.as_str()).await;
    let page = browser.sign_in(page, "ada@acme.test", PASSWORD).await;
    assert_eq!(page.answer("state"), *state.secret());
    let tokens = client
        .exchange_code(AuthorizationCode::new(page.answer("code")))
        .expect("a token endpoint")
        .set_pkce_verifier(verifier)
        .request_async(&http)
        .await
        .expect("tokens");

    let id_token = tokens.id_token().expect("an ID token");
    let claims = id_token.claims(&client.id_token_verifier(), &nonce).expect("the ID token verifies");
    assert_eq!(claims.email().map(|email| email.as_str()), Some("ada@acme.test"));
    let refresh_token = tokens.refresh_token().expect("a refresh token");
    let renewed =
        client.exchange_refresh_token(refresh_token).expect("a token endpoint").request_async(&http).await;
    let renewed = renewed.expect("renewed");
    assert_ne!(renewed.access_token().secret(), tokens.access_token().secret());
    assert_ne!(
        renewed.refresh_token().map(openidconnect::RefreshToken::secret),
        Some(refresh_token.secret())
    );
}
