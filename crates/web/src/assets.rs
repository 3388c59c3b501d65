//! Stylesheets, script and marks: embedded, so that a page loads nothing from elsewhere.

use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use orgate_domain::organizations::Color;

/// Bumped by the release: pages name it, so that a new release is never shown with an old stylesheet.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

const WHITE: Color = Color { red: 255, green: 255, blue: 255 };
const BLACK: Color = Color { red: 0, green: 0, blue: 0 };
/// The background of a dark page: `app.css` names the same.
const NIGHT: Color = Color { red: 0x18, green: 0x1b, blue: 0x21 };

/// WCAG 2.2 AA for text, with a little to spare for rounding.
const CONTRAST: f64 = 4.6;

/// `GET /assets/{name}`.
pub(crate) async fn get(Path(name): Path<String>) -> Response {
    let (media, body) = match name.as_str() {
        "admin.css" => ("text/css; charset=utf-8", include_str!("../assets/admin.css")),
        "app.css" => ("text/css; charset=utf-8", include_str!("../assets/app.css")),
        "favicon.svg" => ("image/svg+xml", include_str!("../assets/favicon.svg")),
        "mark.svg" => ("image/svg+xml", include_str!("../assets/mark.svg")),
        "copy.js" => ("text/javascript; charset=utf-8", include_str!("../assets/copy.js")),
        "form-post.js" => ("text/javascript; charset=utf-8", include_str!("../assets/form-post.js")),
        "preview.js" => ("text/javascript; charset=utf-8", include_str!("../assets/preview.js")),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    cached(media, body.to_owned())
}

/// `GET /assets/brand/{rrggbb}.css`: an organization's colour, made readable. It is a function of
/// the colour alone, so it tells nothing about any organization.
pub(crate) async fn get_brand(Path(name): Path<String>) -> Response {
    let color = name.strip_suffix(".css").and_then(|digits| Color::parse(&format!("#{digits}")).ok());
    let Some(color) = color else { return StatusCode::NOT_FOUND.into_response() };
    let on_brand = if color.contrast(WHITE) >= color.contrast(BLACK) { WHITE } else { BLACK };
    let css = format!(
        ":root{{--brand:{color};--on-brand:{on_brand};--brand-ink-light:{};--brand-ink-dark:{}}}",
        color.readable_on(WHITE, BLACK, CONTRAST),
        color.readable_on(NIGHT, WHITE, CONTRAST),
    );
    cached("text/css; charset=utf-8", css)
}

/// The path of an organization's stylesheet.
pub(crate) fn brand_path(color: Color) -> String {
    format!("/assets/brand/{}.css", color.to_string().trim_start_matches('#'))
}

fn cached(media: &'static str, body: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, body).into_response()
}
