//! The audit log as a file: what a page of it looks for, to take along.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::IntoResponse as _;
use chrono::SecondsFormat;
use csv::{Terminator, WriterBuilder};
use futures_util::stream;
use orgate_flows::limits::Turn;
use orgate_flows::manage::audit::{self, AuditExport, Room, export_events};
use orgate_flows::manage::{EventPlace, StoredEvent};
use serde_json::json;

use super::Admin;
use super::answers::Answer;
use super::audit::Asked;
use crate::form::LinkQuery;
use crate::page::download;
use crate::present::see_other;

/// Bytes of a file, about at most: it is told to whoever asked once it is whole.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// Bytes of it that are handed over at once.
const PIECE: usize = 64 * 1024;

/// How long somebody may take to read it.
const PATIENCE: Duration = Duration::from_mins(5);

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
            Self::JsonLines => format!("{}\n", audit::told(event)),
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
    asked.at(&admin.href("/audit/export"), (after, Some(("format", form.name()))))
}

/// `GET …/audit/export`: the latest of what a page looks for, whatever is on which page of it.
pub(crate) async fn get(
    admin: Admin,
    LinkQuery(params): LinkQuery,
    method: Method,
    headers: HeaderMap,
) -> Answer {
    if method == Method::HEAD {
        // Nothing would be had, and the log would say that it was.
        return Ok((StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET")]).into_response());
    }
    let asked = Asked::of(&params);
    let Some(period) = asked.period().ok().filter(|_| !is_led(&headers)) else {
        // Which says what is wrong with the days, or where whoever was led here exports it, if they want to.
        return Ok(
            see_other(&admin.env.issuer.at(&asked.at(&admin.href("/audit"), (None, None)))).into_response()
        );
    };
    let named = params.get("format").unwrap_or_default();
    let form = Form::ALL.into_iter().find(|form| form.name() == named).unwrap_or(Form::Csv);
    let after = params.get("after").and_then(|text| text.parse().ok());
    let export = AuditExport { wanted: asked.wanted(), period, after, told: told(&asked, form) };
    let mut body = form.head();
    let written = export_events(&admin.env, &admin.caller, export, |events| {
        body.extend(events.iter().map(|event| form.line(event)));
        if body.len() < MAX_BYTES { Room::Left } else { Room::Full }
    });
    let (rest, turn) = admin.read(written.await)?;
    if let Some(rest) = rest {
        let at = address(&admin, &asked, (form, Some(rest)));
        body.push_str(&form.more(&admin.env.issuer.at(&at)));
    }
    let (slug, day) = (&admin.signed_in.organization.slug, admin.env.clock.now().format("%Y-%m-%d"));
    let name = format!("audit-{slug}-{day}.{}", form.name());
    Ok(download(&name, form.media(), piecemeal(body, turn)))
}

/// Whether another site led the browser here (Fetch Metadata, `Sec-Fetch-Site`). Whoever opens the address of a next file does it
/// themselves.
fn is_led(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none")
}

/// What of a file was not handed over yet, and the turn that it is kept by.
type Rest = Arc<Mutex<Option<(Bytes, Turn)>>>;

/// A body of pieces, with which a turn is kept: however slowly somebody reads, they have no other file in memory meanwhile. Whoever
/// does not read at all has neither any more after [`PATIENCE`], and a file that breaks off.
fn piecemeal(body: String, turn: Turn) -> Body {
    let rest: Rest = Arc::new(Mutex::new(Some((Bytes::from(body), turn))));
    let kept = Arc::downgrade(&rest);
    tokio::spawn(async move {
        tokio::time::sleep(PATIENCE).await;
        if let Some(rest) = kept.upgrade() {
            rest.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    });
    Body::from_stream(stream::unfold(rest, async |rest| {
        let piece = next_piece(&rest);
        piece.transpose().map(|piece| (piece, rest))
    }))
}

/// A copy of the next piece, so that the file goes when its time is over; nothing after the last one.
fn next_piece(rest: &Rest) -> Result<Option<Bytes>, io::Error> {
    let mut rest = rest.lock().unwrap_or_else(PoisonError::into_inner);
    let Some((rest, _)) = rest.as_mut() else { return Err(io::ErrorKind::TimedOut.into()) };
    let piece = rest.split_to(rest.len().min(PIECE));
    Ok(Some(Bytes::copy_from_slice(&piece)).filter(|piece| !piece.is_empty()))
}

/// What the log says of it.
fn told(asked: &Asked<'_>, form: Form) -> Vec<(&'static str, String)> {
    let mut told = asked.pairs();
    told.push(("format", form.name().to_owned()));
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
        event.place.at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
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

/// A line of RFC 4180.
fn row(cells: &[String; COLUMNS.len()]) -> String {
    let mut line = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    // Into memory, nothing of it fails.
    let written = line.write_record(cells.iter().map(|cell| harmless(cell))).ok();
    let written = written.and_then(|()| line.into_inner().ok());
    written.and_then(|line| String::from_utf8(line).ok()).unwrap_or_default()
}

/// A cell that no spreadsheet works out, wherever that takes it to be divided: whoever sends a request says by which software, and so
/// what is in an auditor's file.
fn harmless(cell: &str) -> String {
    let (mut safe, mut begins) = (String::with_capacity(cell.len()), true);
    for c in cell.chars() {
        if begins && "=+-@＝＋－＠".contains(c) {
            safe.push('\'');
        }
        safe.push(c);
        // With another language set, it divides at semicolons; and a quotation mark may be where a cell begins.
        begins = matches!(c, ';' | '\t' | '\n' | '\r') || begins && (c.is_whitespace() || c == '"');
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_neither_a_formula_nor_two_cells() {
        let written = |cell: &str| {
            let mut cells = COLUMNS.map(|_| String::new());
            cells[0] = cell.to_owned();
            row(&cells).trim_end_matches("\r\n").trim_end_matches(',').to_owned()
        };

        for works in ["=1+1", "+1", "-1", "@SUM(A1)", "＝1", "＠SUM(A1)"] {
            assert_eq!(written(works), format!("'{works}"));
        }
        for (works, safe) in [
            ("\t=1", "\t'=1"),
            ("  =1", "  '=1"),
            ("x;=1", "x;'=1"),
            ("x; +1", "x; '+1"),
            ("x\t-1", "x\t'-1"),
            (";\"=1", "\";\"\"'=1\""),
            ("x;\"\"-1", "\"x;\"\"\"\"'-1\""),
            ("\"=1", "\"\"\"'=1\""),
            ("\r=1", "\"\r'=1\""),
            ("x\n@a", "\"x\n'@a\""),
        ] {
            assert_eq!(written(works), safe);
        }
        assert_eq!(written("=HYPERLINK(\"x\",1)"), "\"'=HYPERLINK(\"\"x\"\",1)\"");
        assert_eq!(written("two\nlines"), "\"two\nlines\"");
        assert_eq!(written("Mozilla/5.0 (X11; a=b) c-d"), "Mozilla/5.0 (X11; a=b) c-d");
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
