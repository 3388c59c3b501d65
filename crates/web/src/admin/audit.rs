//! The audit log: what happened, and when.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Datelike as _, Days, NaiveDate, Utc};
use orgate_flows::manage::audit::list_events;
use orgate_flows::manage::{EventPlace, PageOf, Period};

use super::Admin;
use super::events::EventLine;
use super::frame::{Frame, Pager, Part};
use crate::form::LinkQuery;
use crate::page::{Page, failed};

/// Events on one page.
const ON_A_PAGE: usize = 50;

/// `templates/admin/audit.html`.
#[derive(Template)]
#[template(path = "admin/audit.html")]
struct AuditTemplate {
    page: Page,
    frame: Frame,
    here: String,
    /// The first day and the last, as they were asked for.
    from: String,
    until: String,
    error: Option<&'static str>,
    events: Vec<EventLine>,
    pager: Pager,
}

/// `GET …/audit`: a page of the events of a period, the latest first.
pub(crate) async fn get(admin: Admin, LinkQuery(params): LinkQuery) -> Response {
    let (from, until) =
        (params.get("from").unwrap_or_default().trim(), params.get("until").unwrap_or_default().trim());
    let (period, error) = match (day(from), day(until)) {
        (Ok(first), Ok(last)) => {
            // The last day is a part of it.
            let until = last.and_then(|last| last.checked_add_days(Days::new(1)));
            (Period { from: first.map(midnight), until: until.map(midnight) }, None)
        }
        _ => (Period::default(), Some("Enter days like 2026-11-26.")),
    };
    let after = params.get("after").and_then(|text| text.parse::<EventPlace>().ok());
    let page = PageOf { after, limit: ON_A_PAGE };
    let found = match list_events(&admin.env, &admin.caller, (period, page)).await {
        Ok(found) => found,
        Err(failure) => return failed(&admin.env, &admin.cookies.browser.origin, &failure),
    };
    let (here, now) = (admin.href("/audit"), admin.env.clock.now());
    let at = |after: Option<EventPlace>| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if error.is_none() {
            query.append_pair("from", from).append_pair("until", until);
        }
        query.extend_pairs(after.map(|after| ("after", after.to_string())));
        format!("{here}?{}", query.finish())
    };
    let template = AuditTemplate {
        page: admin.page(),
        frame: Frame::of(&admin, Part::Audit),
        from: from.to_owned(),
        until: until.to_owned(),
        error,
        events: found.items.iter().map(|event| EventLine::of(&admin, event, now)).collect(),
        pager: Pager { first: after.map(|_| at(None)), next: found.next.map(|next| at(Some(next))) },
        here,
    };
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    admin.render(status, &template)
}

/// Text that names no day.
#[derive(Debug, PartialEq, Eq)]
struct NoDay;

/// A day, if one is named: as a browser writes it, and as the database can compare it.
fn day(text: &str) -> Result<Option<NaiveDate>, NoDay> {
    if text.is_empty() {
        return Ok(None);
    }
    let day =
        text.parse::<NaiveDate>().ok().filter(|day| text.len() == 10 && (1970..=9998).contains(&day.year()));
    day.map(Some).ok_or(NoDay)
}

/// When a day begins, in the one zone that is everybody's.
fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(chrono::NaiveTime::MIN).and_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_or_said_to_be_none() {
        assert_eq!(day(""), Ok(None));
        assert_eq!(day("2026-11-26").map(|day| day.map(midnight).is_some()), Ok(true));
        for text in ["yesterday", "-9999-01-01", "+12026-11-26", "0001-01-01", "9999-12-31", "2026-11-6"] {
            assert_eq!(day(text), Err(NoDay), "{text}");
        }
    }
}
