//! Stable names, as words that people read.

/// `session.ended` is "Session ended".
pub(crate) fn words(name: &str) -> String {
    let name = name.strip_prefix("api_").map_or_else(|| name.to_owned(), |rest| format!("API {rest}"));
    let text = name.replace("sign_in", "sign-in").replace("setup", "set-up").replace(['.', '_'], " ");
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_words() {
        assert_eq!(words("setup_link.created"), "Set-up link created");
        assert_eq!(words("sign_in.failed"), "Sign-in failed");
        assert_eq!(words("api_key.created"), "API key created");
        assert_eq!(words("signature_shape"), "Signature shape");
        assert_eq!(words(""), "");
    }
}
