//! The page about the management API.

use orgate_api::v1::OPERATIONS;
use orgate_tests::app::App;

#[tokio::test]
async fn every_operation_is_on_the_page_which_loads_nothing_from_elsewhere() {
    let app = App::start().await;

    let page = app.browser().get("/api/docs").await;

    assert_eq!(page.status, 200);
    for operation in OPERATIONS {
        let shown = format!("<b class=\"mono\">{}</b> <code>{}</code>", operation.method, operation.path);
        assert!(page.body.contains(&shown), "{shown}");
    }
    for loading in ["<script", "<img", "src="] {
        assert!(!page.body.contains(loading), "{loading}");
    }
    let links = page.body.matches("<link ").count();
    assert_eq!(page.body.matches("href=\"/assets/").count(), links, "its own stylesheet and icon");
    let anchors = page.body.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next());
    for anchor in anchors {
        assert!(page.body.contains(&format!("id=\"{anchor}\"")), "{anchor} leads nowhere");
    }
}
