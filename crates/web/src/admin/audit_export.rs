//! The audit log as a file: what a page of it looks for, to take along.

use std::fmt::Write as _;

use axum::response::IntoResponse as _;
use chrono::SecondsFormat;
use orgate_flows::manage::audit::{AuditExport, Room, export_events};
use orgate_flows::manage::{EventPlace, Period, StoredEvent};
use serde_json::{Value, json};

use super::Admin;
use super::answers::Answer;
use super::audit::Asked;
use crate::form::LinkQuery;
use crate::page::download;
use crate::present::see_other;

/// Bytes of a file, about at most: it is told to whoever asked once it is whole.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// A form of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// RFC 4180, with one line of names.
    Csv,
    /// A JSON object a line.
    JsonLines,
}

impl Form {
    const ALL: [Self; 2] = [Self::Csv, Self::JsonLines];

    /// Its name in addresses, which the file's ends in.
    const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
        }
    }

    /// Its name for people.
    const fn label(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::JsonLines => "JSON Lines",
        }
    }

    const fn media(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::JsonLines => "application/jsonl",
        }
    }

    /// What is above the events.
    fn head(self) -> String {
        match self {
            Self::Csv => row(&COLUMNS.map(str::to_owned)),
            Self::JsonLines => String::new(),
        }
    }

    fn line(self, event: &StoredEvent) -> String {
        match self {
            Self::Csv => row(&cells(event)),
            Self::JsonLines => format!("{}\n", object(event)),
        }
    }

    /// The line that says that there is more, and where.
    fn more(self, at: &str) -> String {
        match self {
            Self::Csv => {
                let mut cells = COLUMNS.map(|_| String::new());
                cells[0] = format!("There is more: {at}");
                row(&cells)
            }
            Self::JsonLines => format!("{}\n", json!({ "more": at })),
        }
    }
}

/// The forms that there are, and where each is, of what a page shows.
pub(super) fn links(admin: &Admin, asked: &Asked<'_>) -> Vec<(&'static str, String)> {
    Form::ALL.map(|form| (form.label(), address(admin, asked, (form, None)))).into()
}

fn address(admin: &Admin, asked: &Asked<'_>, (form, after): (Form, Option<EventPlace>)) -> String {
    let at = asked.at(&admin.href("/audit/export"), after);
    let joint = if at.contains('?') { '&' } else { '?' };
    format!("{at}{joint}format={}", form.name())
}

/// `GET …/audit/export`: the latest of what a page looks for, whatever is on which page of it.
pub(crate) async fn get(admin: Admin, LinkQuery(params): LinkQuery) -> Answer {
    let asked = Asked::of(&params);
    let Ok(period) = asked.period() else {
        // Which says what is wrong with the days.
        return Ok(see_other(&admin.env.issuer.at(&asked.at(&admin.href("/audit"), None))).into_response());
    };
    let named = params.get("format").unwrap_or_default();
    let form = Form::ALL.into_iter().find(|form| form.name() == named).unwrap_or(Form::Csv);
    let after = params.get("after").and_then(|text| text.parse().ok());
    let export = AuditExport { wanted: asked.wanted(), period, after, told: told(&asked, form, period) };
    let mut body = form.head();
    let written = export_events(&admin.env, &admin.caller, export, |events| {
        body.extend(events.iter().map(|event| form.line(event)));
        if body.len() < MAX_BYTES { Room::Left } else { Room::Full }
    });
    if let Some(rest) = admin.read(written.await)? {
        let at = address(&admin, &asked, (form, Some(rest)));
        body.push_str(&form.more(&admin.env.issuer.at(&at)));
    }
    let (slug, day) = (&admin.signed_in.organization.slug, admin.env.clock.now().format("%Y-%m-%d"));
    let name = format!("audit-{slug}-{day}.{}", form.name());
    Ok(download(&name, form.media(), body))
}

/// What the log says of it.
fn told(asked: &Asked<'_>, form: Form, period: Period) -> Vec<(&'static str, String)> {
    let mut told = vec![("format", form.name().to_owned())];
    told.extend(asked.kind.map(|kind| ("kind", kind.0.to_owned())));
    told.extend(asked.user.map(|user| ("user", user.to_string())));
    told.extend(period.from.map(|_| ("from", asked.from.to_owned())));
    told.extend(period.until.map(|_| ("until", asked.until.to_owned())));
    told
}

const COLUMNS: [&str; 14] = [
    "occurred_at",
    "action",
    "outcome",
    "reason",
    "actor_type",
    "actor_id",
    "user_id",
    "session_id",
    "client_id",
    "address",
    "user_agent",
    "request_id",
    "id",
    "detail",
];

fn cells(event: &StoredEvent) -> [String; COLUMNS.len()] {
    let known = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        stamp(event),
        event.action.clone(),
        event.outcome.clone(),
        known(&event.reason),
        event.actor.0.clone(),
        known(&event.actor.1),
        known(&event.user_id.map(|id| id.to_string())),
        known(&event.session_id.map(|id| id.to_string())),
        known(&event.client_id.map(|id| id.to_string())),
        known(&event.address.map(|address| address.to_string())),
        known(&event.user_agent),
        known(&event.request_id),
        event.place.id.to_string(),
        event.detail.to_string(),
    ]
}

/// The event as the management API has it.
fn object(event: &StoredEvent) -> Value {
    json!({
        "id": event.place.id.to_string(),
        "occurred_at": stamp(event),
        "action": event.action,
        "outcome": event.outcome,
        "reason": event.reason,
        "actor": { "type": event.actor.0, "id": event.actor.1 },
        "user_id": event.user_id.map(|id| id.to_string()),
        "session_id": event.session_id.map(|id| id.to_string()),
        "client_id": event.client_id.map(|id| id.to_string()),
        "address": event.address.map(|address| address.to_string()),
        "user_agent": event.user_agent,
        "request_id": event.request_id,
        "detail": event.detail,
    })
}

fn stamp(event: &StoredEvent) -> String {
    event.place.at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// A line of RFC 4180.
fn row(cells: &[String; COLUMNS.len()]) -> String {
    let mut line = String::new();
    for (place, cell) in cells.iter().enumerate() {
        let before = if place == 0 { "" } else { "," };
        // Writing to a string does not fail.
        let _ = write!(line, "{before}{}", quoted(&harmless(cell)));
    }
    line.push_str("\r\n");
    line
}

/// A cell that no spreadsheet works out: whoever sends a request says by which software, and so what is in an auditor's file.
fn harmless(cell: &str) -> String {
    let works = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    format!("{}{cell}", if works { "'" } else { "" })
}

fn quoted(cell: &str) -> String {
    if cell.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_neither_a_formula_nor_two_cells() {
        let written = |cell: &str| quoted(&harmless(cell));

        for works in ["=1+1", "+1", "-1", "@SUM(A1)", "\tx"] {
            assert_eq!(written(works), format!("'{works}"));
        }
        assert_eq!(written("\r=1"), "\"'\r=1\"");
        assert_eq!(written("=HYPERLINK(\"x\",1)"), "\"'=HYPERLINK(\"\"x\"\",1)\"");
        assert_eq!(written("two\nlines"), "\"two\nlines\"");
        assert_eq!(written("Mozilla/5.0 (X11)"), "Mozilla/5.0 (X11)");
        assert_eq!(written(""), "");
    }

    #[test]
    fn every_line_has_as_many_cells_as_there_are_names() {
        let commas = |line: &str| line.matches(',').count();

        assert_eq!(commas(&Form::Csv.head()), COLUMNS.len() - 1);
        assert_eq!(commas(&Form::Csv.more("https://id.example/x")), COLUMNS.len() - 1);
        assert!(Form::Csv.head().ends_with(",detail\r\n"));
    }
}
