//! Pages of lists, by cursors.

use std::fmt::Display;
use std::str::FromStr;

use orgate_flows::manage::{MAX_PAGE, Page, PageOf};
use orgate_protocol::params::Params;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::problem::Problem;

/// Rows of a page, if nobody says how many.
const DEFAULT_PAGE: usize = 50;

/// What a list can be asked.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `read` reads")]
pub(crate) struct PageQuery {
    /// Rows at most: 1 to 200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<usize>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Listed<T> {
    items: Vec<T>,
    /// What to ask for the next page with, if there is one. Rows that come or go meanwhile move no other row.
    next_cursor: Option<String>,
}

/// Reads which page is asked for.
pub(crate) fn read<Id: FromStr>(params: &Params) -> Result<PageOf<Id>, Problem> {
    let mut page = PageOf { after: None, limit: DEFAULT_PAGE };
    for (name, value) in params.iter() {
        if params.duplicated() == Some(name) {
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
            _ => return Err(Problem::parameter("there are the parameters limit and cursor, and no other")),
        }
    }
    Ok(page)
}

impl<T> Listed<T> {
    pub(crate) fn of<Row, Id: Display>(page: Page<Row, Id>) -> Self
    where
        T: From<Row>,
    {
        let next_cursor = page.next.map(|id| id.to_string());
        Self { items: page.items.into_iter().map(T::from).collect(), next_cursor }
    }
}
