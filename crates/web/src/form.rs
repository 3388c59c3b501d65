//! What a browser sends to a page; where it cannot be read, the answer is a page too.

use axum::extract::{FromRef as _, FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::response::Response;
use orgate_edge::{AppState, FormParams, ParamsRejection, QueryParams, RequestOrigin};
use orgate_flows::Env;
use orgate_protocol::params::Params;

use crate::fields::{Form, Unreadable};
use crate::page::{over, unreadable};

/// The fields of a form.
pub(crate) struct PageForm(pub(crate) Params);

/// The fields of a form in which somebody may write several lines.
pub(crate) struct WrittenForm(pub(crate) Form);

/// The query's parameters. One that cannot be read is none of ours: whatever it was to go on with is over.
pub(crate) struct PageQuery(pub(crate) Params);

/// The query's parameters, of a link that leads here from elsewhere: what is wrong with one that cannot be read is told.
pub(crate) struct LinkQuery(pub(crate) Params);

impl FromRequest<AppState> for PageForm {
    type Rejection = Response;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let Ok(RequestOrigin(origin)) = RequestOrigin::from_request_parts(&mut parts, state).await;
        let form = FormParams::from_request(Request::from_parts(parts, body), state).await;
        form.map(|FormParams(params)| Self(params))
            .map_err(|rejection| unreadable(&Env::from_ref(state), &origin, &rejection))
    }
}

impl FromRequest<AppState> for WrittenForm {
    type Rejection = Response;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let Ok(RequestOrigin(origin)) = RequestOrigin::from_request_parts(&mut parts, state).await;
        let form = Form::read(Request::from_parts(parts, body)).await;
        form.map(Self).map_err(|Unreadable(status)| {
            unreadable(&Env::from_ref(state), &origin, &ParamsRejection::Body(status))
        })
    }
}

impl FromRequestParts<AppState> for PageQuery {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let Ok(RequestOrigin(origin)) = RequestOrigin::from_request_parts(parts, state).await;
        let query = QueryParams::from_request_parts(parts, state).await;
        query.map(|QueryParams(params)| Self(params)).map_err(|_| over(&Env::from_ref(state), &origin))
    }
}

impl FromRequestParts<AppState> for LinkQuery {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let Ok(RequestOrigin(origin)) = RequestOrigin::from_request_parts(parts, state).await;
        let query = QueryParams::from_request_parts(parts, state).await;
        query
            .map(|QueryParams(params)| Self(params))
            .map_err(|rejection| unreadable(&Env::from_ref(state), &origin, &rejection))
    }
}
