//! Stylesheets, script and marks: embedded, so that a page loads nothing from elsewhere.

use std::io::Write as _;
use std::sync::LazyLock;

use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use orgate_domain::organizations::Color;

/// Bumped by the release: pages name it, so that a new release is never shown with an old stylesheet.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The background of a light page: `app.css` names the same.
pub(crate) const WHITE: Color = Color { red: 255, green: 255, blue: 255 };
const BLACK: Color = Color { red: 0, green: 0, blue: 0 };
/// The background of a dark page: `app.css` names the same.
pub(crate) const NIGHT: Color = Color { red: 0x18, green: 0x1b, blue: 0x21 };

/// WCAG 2.2 AA for text (1.4.3).
pub(crate) const WCAG: f64 = 4.5;

/// The same, with a little to spare for rounding.
const CONTRAST: f64 = 4.6;

/// What becomes of a colour on pages, so that everything in it can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shades {
    /// Behind the text of buttons: the colour itself.
    pub(crate) brand: Color,
    /// That text.
    pub(crate) on_brand: Color,
    /// Links of light pages.
    pub(crate) ink_light: Color,
    /// Links of dark pages.
    pub(crate) ink_dark: Color,
}

impl Shades {
    /// What pages are in where an organization has no colour: `app.css` names the same.
    pub(crate) const ORGATE: Self = Self {
        brand: Color { red: 0x3a, green: 0x4f, blue: 0xd4 },
        on_brand: WHITE,
        ink_light: Color { red: 0x3a, green: 0x4f, blue: 0xd4 },
        ink_dark: Color { red: 0xa9, green: 0xb6, blue: 0xff },
    };

    pub(crate) fn of(color: Color) -> Self {
        Self {
            brand: color,
            on_brand: if color.contrast(WHITE) >= color.contrast(BLACK) { WHITE } else { BLACK },
            ink_light: color.readable_on(WHITE, BLACK, CONTRAST),
            ink_dark: color.readable_on(NIGHT, WHITE, CONTRAST),
        }
    }
}

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// One file.
struct Asset {
    media: &'static str,
    plain: &'static str,
    /// The same for whoever takes it, made once: nobody has it made anew by asking. Pages are not compressed, as they hold what is secret
    /// beside what others can choose (BREACH); in these, nothing is secret.
    gzip: LazyLock<Bytes>,
}

macro_rules! assets {
    ($($name:literal $media:ident $path:literal;)+) => {
        fn find(name: &str) -> Option<&'static Asset> {
            match name {
                $($name => {
                    static ASSET: Asset = Asset {
                        media: $media,
                        plain: include_str!(concat!("../assets/", $path)),
                        gzip: LazyLock::new(|| compressed(include_bytes!(concat!("../assets/", $path)))),
                    };
                    Some(&ASSET)
                })+
                _ => None,
            }
        }
    };
}

assets! {
    "admin.css" CSS "admin.css";
    "app.css" CSS "app.css";
    "favicon.svg" SVG "favicon.svg";
    "mark.svg" SVG "mark.svg";
    "color.js" SCRIPT "color.js";
    "copy.js" SCRIPT "copy.js";
    "form-post.js" SCRIPT "form-post.js";
    // htmx 2.0.11 (https://htmx.org), as it was published; its licence is beside it.
    "htmx.min.js" SCRIPT "htmx/htmx.min.js";
}

fn compressed(plain: &[u8]) -> Bytes {
    let mut made = GzEncoder::new(Vec::new(), Compression::best());
    // Nothing fails that writes into memory.
    let whole = made.write_all(plain).and_then(|()| made.finish());
    whole.unwrap_or_default().into()
}

/// Whether a client takes gzip (RFC 9110 §12.5.3). One that says nothing of it is sent the file as it is.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let said = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    said.flat_map(|list| list.split(',')).any(|one| {
        let (coding, weight) = one.split_once(';').unwrap_or((one, "q=1"));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
        coding.trim().eq_ignore_ascii_case("gzip") && weight.is_some_and(|weight| weight > 0.0)
    })
}

/// `GET /assets/{name}`.
pub(crate) async fn get(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = find(&name) else { return StatusCode::NOT_FOUND.into_response() };
    let mut response = if takes_gzip(&headers) {
        let mut response = cached(asset.media, asset.gzip.clone());
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        response
    } else {
        cached(asset.media, asset.plain)
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    response
}

/// `GET /assets/brand/{rrggbb}.css`: an organization's colour, made readable. It is a function of
/// the colour alone, so it tells nothing about any organization. `{rrggbb}.sample.css`: the same for a part of a page.
pub(crate) async fn get_brand(Path(name): Path<String>) -> Response {
    let Some(name) = name.strip_suffix(".css") else { return StatusCode::NOT_FOUND.into_response() };
    let (digits, part) = match name.strip_suffix(".sample") {
        Some(digits) => (digits, ".branded"),
        None => (name, ":root"),
    };
    let Ok(color) = Color::parse(&format!("#{digits}")) else { return StatusCode::NOT_FOUND.into_response() };
    let Shades { brand, on_brand, ink_light, ink_dark } = Shades::of(color);
    let css = format!(
        "{part}{{--brand:{brand};--on-brand:{on_brand};--brand-ink-light:{ink_light};--brand-ink-dark:{ink_dark}}}"
    );
    cached(CSS, css)
}

/// The path of an organization's stylesheet.
pub(crate) fn brand_path(color: Color) -> String {
    format!("/assets/brand/{}.css", digits(color))
}

/// The path of the same, for the part of a page that shows what a colour would look like.
pub(crate) fn sample_path(color: Color) -> String {
    format!("/assets/brand/{}.sample.css", digits(color))
}

fn digits(color: Color) -> String {
    color.to_string().trim_start_matches('#').to_owned()
}

fn cached(media: &'static str, body: impl Into<Body>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, body.into()).into_response()
}
