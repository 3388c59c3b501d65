//! Finding the links in a plain text.
//!
//! **Invariant:** the fragments, joined, are the text; a link begins with `http://` or `https://`.

/// A piece of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fragment<'t> {
    pub(super) text: &'t str,
    pub(super) is_link: bool,
}

/// Splits a text into links and what is between them.
pub(super) fn linkify(mut text: &str) -> Vec<Fragment<'_>> {
    let mut fragments = Vec::new();
    while let Some(start) = find_link(text) {
        let (before, rest) = text.split_at(start);
        let (link, after) = rest.split_at(link_length(rest));
        fragments.extend([Fragment { text: before, is_link: false }, Fragment { text: link, is_link: true }]);
        text = after;
    }
    fragments.push(Fragment { text, is_link: false });
    fragments.retain(|fragment| !fragment.text.is_empty());
    fragments
}

fn find_link(text: &str) -> Option<usize> {
    let http = text.find("http://");
    let https = text.find("https://");
    http.into_iter().chain(https).min()
}

/// Up to white space or what delimits an address in a text, without the punctuation of the sentence around it.
fn link_length(text: &str) -> usize {
    let delimits = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"');
    let link = text.split(delimits).next().unwrap_or_default();
    link.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '\'']).len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn links(text: &str) -> Vec<&str> {
        linkify(text).iter().filter(|fragment| fragment.is_link).map(|fragment| fragment.text).collect()
    }

    #[test]
    fn links_end_where_the_sentence_goes_on() {
        assert_eq!(
            links("Go to http://localhost:8080/d?a=1&b=2. Then\nhttps://x.test/é, or"),
            ["http://localhost:8080/d?a=1&b=2", "https://x.test/é"]
        );
        assert_eq!(
            links("<https://x.test/> (https://y.test) \"https://z.test\""),
            ["https://x.test/", "https://y.test", "https://z.test"]
        );
    }

    #[test]
    fn nothing_else_is_a_link() {
        assert!(links("javascript:alert(1) ftp://x.test data:text/html,x HTTP://X www.x.test").is_empty());
    }

    proptest! {
        #[test]
        fn no_text_is_lost(text in "(https?://|[a-z.<>é\\s\"]){0,40}") {
            let fragments = linkify(&text);

            prop_assert_eq!(fragments.iter().map(|fragment| fragment.text).collect::<String>(), text.as_str());
            for link in fragments.iter().filter(|fragment| fragment.is_link) {
                prop_assert!(link.text.starts_with("http"));
            }
        }
    }
}
