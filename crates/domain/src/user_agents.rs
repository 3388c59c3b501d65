//! What a browser says that it is, in a few words.

/// Later ones say the names of earlier ones too, so the order counts.
const BROWSERS: [(&str, &str); 10] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("YaBrowser/", "Yandex Browser"),
    ("Vivaldi/", "Vivaldi"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

const SYSTEMS: [(&str, &str); 8] = [
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
];

/// Letters of an unknown program's name.
const MAX_NAME: usize = 40;

/// What is behind a `User-Agent`, as far as it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Software {
    /// A browser; or another program by its own name, of which only letters, digits and hyphens are kept: it is shown on pages and
    /// in terminals.
    pub program: Option<String>,
    /// What it runs on.
    pub system: Option<&'static str>,
}

impl Software {
    /// Reads a `User-Agent`, if there was one.
    pub fn of(user_agent: Option<&str>) -> Self {
        let text = user_agent.unwrap_or_default();
        let said = |names: &[(&str, &'static str)]| {
            names.iter().find(|(token, _)| text.contains(token)).map(|(_, name)| *name)
        };
        let named = || {
            let kept = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
            let name: String = text.chars().take_while(kept).take(MAX_NAME).collect();
            (!matches!(name.as_str(), "" | "Mozilla")).then_some(name)
        };
        Self { program: said(&BROWSERS).map(str::to_owned).or_else(named), system: said(&SYSTEMS) }
    }
}

/// The same in a few words of English: "Firefox on Windows".
pub fn describe(user_agent: Option<&str>) -> String {
    match Software::of(user_agent) {
        Software { program: Some(program), system: Some(system) } => format!("{program} on {system}"),
        Software { program: Some(program), system: None } => program,
        Software { program: None, system: Some(system) } => format!("Unknown browser on {system}"),
        Software { program: None, system: None } => "Unknown device".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browser_and_system_are_told_apart() {
        for (user_agent, expected) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox on Windows",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
                "Chrome on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0 Mobile/15E148 Safari/604.1",
                "Chrome on iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 15; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36",
                "Samsung Internet on Android",
            ),
            ("curl/8.5.0", "curl"),
            ("Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko", "Unknown browser on Windows"),
            ("\u{1b}[2Jevil", "Unknown device"),
            ("", "Unknown device"),
        ] {
            assert_eq!(describe(Some(user_agent)), expected, "{user_agent}");
        }
        assert_eq!(describe(None), "Unknown device");
    }
}
