//! Stylesheets, script and marks: embedded, so that a page loads nothing from elsewhere.

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use orgate_domain::organizations::Color;
use orgate_edge::AppState;
use tower_http::compression::CompressionLayer;

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

/// Their routes. They are compressed, as pages are not: nothing in them is secret, so that how short they become tells nothing.
pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/assets/{name}", get(asset))
        .route("/assets/brand/{color}", get(brand))
        .layer(CompressionLayer::new())
}

/// `GET /assets/{name}`.
async fn asset(Path(name): Path<String>) -> Response {
    let (media, body) = match name.as_str() {
        "admin.css" => ("text/css; charset=utf-8", include_str!("../assets/admin.css")),
        "app.css" => ("text/css; charset=utf-8", include_str!("../assets/app.css")),
        "favicon.svg" => ("image/svg+xml", include_str!("../assets/favicon.svg")),
        "mark.svg" => ("image/svg+xml", include_str!("../assets/mark.svg")),
        "color.js" => ("text/javascript; charset=utf-8", include_str!("../assets/color.js")),
        "copy.js" => ("text/javascript; charset=utf-8", include_str!("../assets/copy.js")),
        "form-post.js" => ("text/javascript; charset=utf-8", include_str!("../assets/form-post.js")),
        // htmx 2.0.11 (https://htmx.org), as it was published; its licence is beside it.
        "htmx.min.js" => ("text/javascript; charset=utf-8", include_str!("../assets/htmx/htmx.min.js")),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    cached(media, body.to_owned())
}

/// `GET /assets/brand/{rrggbb}.css`: an organization's colour, made readable. It is a function of
/// the colour alone, so it tells nothing about any organization. `{rrggbb}.sample.css`: the same for a part of a page.
async fn brand(Path(name): Path<String>) -> Response {
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
    cached("text/css; charset=utf-8", css)
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

fn cached(media: &'static str, body: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, body).into_response()
}
