//! Notes' API for programs, as any backend behind Orgate would write it.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use orgate_verify::{Rejection, RequestOrg};
use serde_json::json;

use super::notebooks::Notebooks;

/// `GET /api/orgs/{org}/notes`: [`RequestOrg`] has seen to it that `org`, an id or a slug, is the token's organization.
pub(super) async fn list_notes(
    RequestOrg(token): RequestOrg,
    State(notebooks): State<Arc<Notebooks>>,
) -> Result<Response, Rejection> {
    token.require_permission("notes:read")?;
    let notes = notebooks.list(token.org_id());
    Ok(Json(json!({ "org_id": token.org_id().as_str(), "notes": notes })).into_response())
}
