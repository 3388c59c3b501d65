//! Forms that only the provider's own pages may post.

use axum::{
    Form,
    extract::{FromRequest, Request},
};
use serde::de::DeserializeOwned;

use super::PageError;

/// A form, posted from one of the provider's pages. Signing in takes no password, so another site's page could do it
/// in somebody's place: browsers say where a request comes from (Fetch Metadata), and programs say nothing.
pub(super) struct OwnForm<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for OwnForm<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &S) -> Result<Self, PageError> {
        let from = request.headers().get("sec-fetch-site");
        if from.is_some_and(|from| from != "same-origin") {
            return Err(PageError::ForeignForm);
        }
        let form = Form::<T>::from_request(request, state).await;
        form.map(|Form(form)| Self(form)).map_err(|_| PageError::MalformedRequest)
    }
}
