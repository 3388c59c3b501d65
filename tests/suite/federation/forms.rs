//! Pages, as a browser without script sees them: forms and their buttons.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use orgate_tests::app::{Browser, Page};

/// A form of a page, as a browser without script sees it.
pub(super) struct Form {
    pub(super) action: String,
    pub(super) fields: Vec<(String, String)>,
}

impl Form {
    pub(super) fn of(page: &Page) -> Self {
        assert_eq!(page.location(), None, "{}", page.body);
        assert!(page.body.contains("<button type=\"submit\""), "it can be pressed: {}", page.body);
        let form = page.body.split("<form").nth(1).and_then(|rest| rest.split("</form>").next());
        let form = form.unwrap_or_else(|| panic!("no form: {}", page.body));
        let inputs = form.split("<input type=\"hidden\"").skip(1);
        let fields = inputs.map(|input| (attribute(input, "name"), attribute(input, "value"))).collect();
        Self { action: attribute(form, "action"), fields }
    }

    pub(super) fn names(&self) -> Vec<&str> {
        self.fields.iter().map(|(name, _)| name.as_str()).collect()
    }

    pub(super) fn value(&self, name: &str) -> &str {
        let found = self.fields.iter().find(|(field, _)| field == name);
        &found.unwrap_or_else(|| panic!("no {name} in {:?}", self.names())).1
    }

    /// Presses the button, with a field changed.
    pub(super) async fn press(&self, browser: &Browser, change: Option<(&str, &str)>) -> Page {
        let value = |(name, value): &(String, String)| match change {
            Some((changed, other)) if changed == name => (name.clone(), other.to_owned()),
            _ => (name.clone(), value.clone()),
        };
        let fields: Vec<(String, String)> = self.fields.iter().map(value).collect();
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        browser.post(&self.action, &fields).await
    }

    /// The message of the form.
    pub(super) fn message(&self, name: &str) -> Vec<u8> {
        BASE64_STANDARD.decode(self.value(name)).expect("base64")
    }
}

pub(super) fn attribute(tag: &str, name: &str) -> String {
    let value = tag.split(&format!("{name}=\"")).nth(1).and_then(|rest| rest.split('"').next());
    let entities = [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")];
    let value = value.unwrap_or_else(|| panic!("no {name} in {tag}")).to_owned();
    entities.iter().fold(value, |text, (entity, character)| text.replace(entity, character))
}
