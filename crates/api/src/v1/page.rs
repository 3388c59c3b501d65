//! Pages of lists, by cursors.

use std::marker::PhantomData;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use orgate_edge::{AppState, QueryParams};
use orgate_flows::manage::{MAX_PAGE, PageOf};
use orgate_protocol::params::Params;
use utoipa::IntoParams;

use super::problem::Problem;

/// Rows of a page, if nobody says how many.
const DEFAULT_PAGE: usize = 50;

/// What a list can be asked.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `Filtered::read` reads")]
pub(crate) struct PageQuery {
    /// Rows at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<usize>,
    /// Where to go on: `next_cursor` of the page before.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

/// Which page is asked for.
pub(crate) struct Paged<Id>(pub(crate) PageOf<Id>);

impl<Id: FromStr + Send> FromRequestParts<AppState> for Paged<Id> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let asked = Filtered::<Id>::from_request_parts(parts, state).await?;
        asked.read(&[], |_, _| Ok(())).map(Self)
    }
}

/// Which page of what is asked for: a list that can be narrowed.
pub(crate) struct Filtered<Id> {
    params: Params,
    of: PhantomData<Id>,
}

impl<Id: Send> FromRequestParts<AppState> for Filtered<Id> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let QueryParams(params) = QueryParams::from_request_parts(parts, state).await?;
        Ok(Self { params, of: PhantomData })
    }
}

impl<Id: FromStr> Filtered<Id> {
    /// The page; each of the parameters that narrow the list is given to `narrow`.
    pub(crate) fn read(
        &self,
        filters: &[&str],
        mut narrow: impl FnMut(&str, &str) -> Result<(), String>,
    ) -> Result<PageOf<Id>, Problem> {
        let mut page = PageOf { after: None, limit: DEFAULT_PAGE };
        for (name, value) in self.params.iter() {
            if self.params.duplicated() == Some(name) {
                return Err(Problem::parameter(format!("{name} is given more than once")));
            }
            match name {
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=MAX_PAGE).contains(limit));
                    let limit = limit.ok_or_else(|| format!("limit is a number from 1 to {MAX_PAGE}"));
                    page.limit = limit.map_err(Problem::parameter)?;
                }
                "cursor" => {
                    let after = value.parse().map_err(|_| "cursor is not one that a page before gave");
                    page.after = Some(after.map_err(Problem::parameter)?);
                }
                _ if filters.contains(&name) => narrow(name, value).map_err(Problem::parameter)?,
                _ => {
                    let known = [&["limit", "cursor"], filters].concat().join(", ");
                    let detail = format!("the parameters here are {known}, and no other");
                    return Err(Problem::parameter(detail));
                }
            }
        }
        Ok(page)
    }
}

/// A page as it is answered: a type of its own for each kind of item, so that descriptions refer to the item by its name.
macro_rules! page {
    ($(#[$doc:meta])* $name:ident as $schema:ident of $item:ident) => {
        $(#[$doc])*
        #[derive(Debug, serde::Serialize, utoipa::ToSchema)]
        #[schema(as = $schema)]
        pub(crate) struct $name {
            items: Vec<$item>,
            /// What to ask for the next page with, if there is one. Rows that come or go meanwhile move no other row.
            next_cursor: Option<String>,
        }

        impl<Row, Id: std::fmt::Display> From<orgate_flows::manage::Page<Row, Id>> for $name
        where
            $item: From<Row>,
        {
            fn from(page: orgate_flows::manage::Page<Row, Id>) -> Self {
                let next_cursor = page.next.map(|id| id.to_string());
                Self { items: page.items.into_iter().map($item::from).collect(), next_cursor }
            }
        }
    };
}
pub(crate) use page;
