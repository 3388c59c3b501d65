//! The scan that everything from a stranger passes before any tree is built.
//!
//! It walks the text once, without recursion and without allocating by what the text says, and refuses what no
//! SAML message needs: a document type, entities, processing instructions, encodings other than UTF-8, and
//! sizes that would make a parser slow or overflow its stack.
//!
//! **Invariant:** what passes is UTF-8 with balanced tags and one root, within [`MAX_BYTES`], [`MAX_DEPTH`],
//! [`MAX_ATTRIBUTES`] and [`MAX_ELEMENTS`]. No tree parser of this crate sees anything else.

use crate::check::{Check, Rejection};

/// The largest message, in bytes, after decoding: 512 KiB.
pub const MAX_BYTES: usize = 512 * 1024;
/// How deep elements may be nested.
pub const MAX_DEPTH: usize = 48;
/// How many attributes, namespace declarations among them, an element may carry.
pub const MAX_ATTRIBUTES: usize = 64;
/// How many elements, comments and CDATA sections a document may have: each costs a parser more than its text.
pub const MAX_ELEMENTS: usize = 16_384;

/// The longest text between `&` and `;` that can be a character reference.
const MAX_REFERENCE: usize = 10;

/// Returns the text of a document that is safe to hand to a tree parser.
pub(crate) fn scan(bytes: &[u8]) -> Result<&str, Rejection> {
    if bytes.len() > MAX_BYTES {
        let detail = format!("{} bytes, at most {MAX_BYTES}", bytes.len());
        return Err(Rejection::new(Check::Size, detail));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Rejection::new(Check::Encoding, format!("not UTF-8: {error}")))?;
    if text.starts_with('\u{FEFF}') {
        return Err(Rejection::new(Check::Encoding, "starts with a byte order mark"));
    }
    if let Some(bad) = text.chars().find(|&c| !is_xml_char(c)) {
        let detail = format!("U+{:04X} is no character of XML", u32::from(bad));
        return Err(Rejection::new(Check::WellFormed, detail));
    }
    let mut scanner = Scanner { rest: skip_declaration(text)?, open: Vec::new(), nodes: 0, roots: 0 };
    scanner.run()?;
    Ok(text)
}

/// `text` without its XML declaration. `text` has passed [`scan`].
pub(crate) fn without_declaration(text: &str) -> &str {
    match text.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>")) {
        Some((_, rest)) => rest,
        None => text,
    }
}

/// Whether a character may occur in XML 1.0 (§2.2).
fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

fn malformed(detail: &str) -> Rejection {
    Rejection::new(Check::WellFormed, detail)
}

/// Reads `<?xml version="1.0" encoding="UTF-8"?>` where it stands first (XML 1.0 §2.8).
fn skip_declaration(text: &str) -> Result<&str, Rejection> {
    let Some(rest) = text.strip_prefix("<?xml") else { return Ok(text) };
    if !rest.starts_with([' ', '\t', '\r', '\n']) {
        return Err(Rejection::new(Check::ProcessingInstruction, "a processing instruction"));
    }
    let (mut inside, after) =
        rest.split_once("?>").ok_or_else(|| malformed("the XML declaration does not end"))?;
    loop {
        inside = inside.trim_start();
        if inside.is_empty() {
            return Ok(after);
        }
        let (name, value, rest) = attribute(inside)?;
        let ok = match name {
            "version" => value == "1.0",
            "encoding" => value.eq_ignore_ascii_case("utf-8"),
            "standalone" => true,
            _ => false,
        };
        if !ok {
            let detail = format!("the XML declaration says {name}={value:?}");
            return Err(Rejection::new(Check::Encoding, detail));
        }
        inside = rest;
    }
}

/// One attribute at the start of `text`: its name, its raw value, and what follows.
fn attribute(text: &str) -> Result<(&str, &str, &str), Rejection> {
    let end = text
        .find(|c: char| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/' | '<' | '"' | '\''))
        .ok_or_else(|| malformed("a tag does not end"))?;
    let (name, rest) = text.split_at_checked(end).ok_or_else(|| malformed("a tag does not end"))?;
    let rest = rest.trim_start().strip_prefix('=').map(str::trim_start);
    let mut after = rest.map(str::chars).ok_or_else(|| malformed("an attribute without a value"))?;
    let quote = after.next().filter(|c| matches!(c, '"' | '\''));
    let quote = quote.ok_or_else(|| malformed("an attribute value without quotes"))?;
    let (value, rest) =
        after.as_str().split_once(quote).ok_or_else(|| malformed("an attribute value does not end"))?;
    if name.is_empty() || value.contains('<') {
        return Err(malformed("an attribute that is not well-formed"));
    }
    Ok((name, value, rest))
}

struct Scanner<'a> {
    rest: &'a str,
    open: Vec<&'a str>,
    nodes: usize,
    roots: usize,
}

impl<'a> Scanner<'a> {
    fn run(&mut self) -> Result<(), Rejection> {
        while let Some((text, markup)) = self.rest.find('<').and_then(|at| self.rest.split_at_checked(at)) {
            self.text(text)?;
            self.rest = markup;
            self.markup()?;
        }
        self.text(self.rest)?;
        if let Some(name) = self.open.last() {
            return Err(malformed(&format!("<{name}> does not end")));
        }
        if self.roots != 1 {
            return Err(malformed("there is no root element"));
        }
        Ok(())
    }

    fn text(&self, text: &str) -> Result<(), Rejection> {
        if self.open.is_empty() && text.contains(|c: char| !matches!(c, ' ' | '\t' | '\r' | '\n')) {
            return Err(malformed("text outside the root element"));
        }
        references(text)
    }

    fn markup(&mut self) -> Result<(), Rejection> {
        if let Some(rest) = self.rest.strip_prefix("<!--") {
            self.count()?;
            let (_, rest) = rest.split_once("-->").ok_or_else(|| malformed("a comment does not end"))?;
            self.rest = rest;
        } else if let Some(rest) = self.rest.strip_prefix("<![CDATA[") {
            self.count()?;
            let (_, rest) =
                rest.split_once("]]>").ok_or_else(|| malformed("a CDATA section does not end"))?;
            if self.open.is_empty() {
                return Err(malformed("text outside the root element"));
            }
            self.rest = rest;
        } else if self.rest.starts_with("<!") {
            return Err(Rejection::new(Check::Doctype, "a document type declaration"));
        } else if self.rest.starts_with("<?") {
            return Err(Rejection::new(Check::ProcessingInstruction, "a processing instruction"));
        } else if let Some(rest) = self.rest.strip_prefix("</") {
            let (name, rest) = rest.split_once('>').ok_or_else(|| malformed("a tag does not end"))?;
            if self.open.pop() != Some(name.trim_end()) {
                return Err(malformed("an end tag without its start"));
            }
            self.rest = rest;
        } else if let Some(rest) = self.rest.strip_prefix('<') {
            self.start_tag(rest)?;
        }
        Ok(())
    }

    fn start_tag(&mut self, text: &'a str) -> Result<(), Rejection> {
        let end = text
            .find(|c: char| c.is_ascii_whitespace() || matches!(c, '>' | '/' | '<' | '"' | '\'' | '='))
            .ok_or_else(|| malformed("a tag does not end"))?;
        let (name, mut rest) = text.split_at_checked(end).ok_or_else(|| malformed("a tag does not end"))?;
        if name.is_empty() {
            return Err(malformed("a tag without a name"));
        }
        self.begin(name)?;
        let mut attributes = 0;
        loop {
            rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix("/>") {
                self.rest = after;
                self.open.pop();
                return Ok(());
            }
            if let Some(after) = rest.strip_prefix('>') {
                self.rest = after;
                return Ok(());
            }
            attributes += 1;
            if attributes > MAX_ATTRIBUTES {
                let detail = format!("<{name}> has more than {MAX_ATTRIBUTES} attributes");
                return Err(Rejection::new(Check::Complexity, detail));
            }
            let (_, value, after) = attribute(rest)?;
            references(value)?;
            rest = after;
        }
    }

    fn begin(&mut self, name: &'a str) -> Result<(), Rejection> {
        if self.open.is_empty() {
            self.roots += 1;
            if self.roots > 1 {
                return Err(malformed("more than one root element"));
            }
        }
        self.count()?;
        self.open.push(name);
        if self.open.len() > MAX_DEPTH {
            let detail = format!("elements are nested more than {MAX_DEPTH} deep");
            return Err(Rejection::new(Check::Complexity, detail));
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), Rejection> {
        self.nodes += 1;
        if self.nodes > MAX_ELEMENTS {
            let detail = format!("more than {MAX_ELEMENTS} elements, comments and CDATA sections");
            return Err(Rejection::new(Check::Complexity, detail));
        }
        Ok(())
    }
}

/// Refuses every reference but the five predefined entities and characters of XML (§4.1, §4.6).
fn references(text: &str) -> Result<(), Rejection> {
    let mut parts = text.split('&');
    parts.next();
    for part in parts {
        let name = part.find(';').filter(|&at| at <= MAX_REFERENCE).and_then(|at| part.get(..at));
        let name = name.ok_or_else(|| malformed("& without a reference"))?;
        if matches!(name, "amp" | "lt" | "gt" | "quot" | "apos") {
            continue;
        }
        let Some(number) = name.strip_prefix('#') else {
            return Err(Rejection::new(Check::Doctype, format!("an entity reference, &{name};")));
        };
        let code = match number.strip_prefix('x') {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        if !code.ok().and_then(char::from_u32).is_some_and(is_xml_char) {
            return Err(malformed("a reference to what is no character"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(xml: &str) -> Result<(), Check> {
        scan(xml.as_bytes()).map(|_| ()).map_err(|rejection| rejection.check)
    }

    #[test]
    fn plain_documents_pass() {
        for xml in [
            "<a/>",
            "<?xml version=\"1.0\" encoding='utf-8' standalone='no'?>\n<a b=\"1\" c='2'>x &amp; &#x41;</a>\n",
            "<!-- before --><a><!-- in --><b ></b\n><![CDATA[<b>]]></a><!-- after -->",
            "<a b='>'/>",
        ] {
            assert_eq!(check(xml), Ok(()), "{xml}");
        }
    }

    #[test]
    fn what_is_not_one_plain_document_is_refused() {
        for (xml, expected) in [
            ("", Check::WellFormed),
            ("text", Check::WellFormed),
            ("<a>", Check::WellFormed),
            ("<a></b>", Check::WellFormed),
            ("<a/><b/>", Check::WellFormed),
            ("<a/>x", Check::WellFormed),
            ("<a b/>", Check::WellFormed),
            ("<a b=c/>", Check::WellFormed),
            ("<a b='<'/>", Check::WellFormed),
            ("<a>&</a>", Check::WellFormed),
            ("<a>&#0;</a>", Check::WellFormed),
            ("<a>&#xD800;</a>", Check::WellFormed),
            ("<a>\u{1}</a>", Check::WellFormed),
            ("<![CDATA[x]]><a/>", Check::WellFormed),
            ("<a>&e;</a>", Check::Doctype),
            ("<a b='&e;'/>", Check::Doctype),
            ("<!DOCTYPE a><a/>", Check::Doctype),
            ("<a><!ENTITY e 'x'></a>", Check::Doctype),
            ("<?php?><a/>", Check::ProcessingInstruction),
            ("<a><?x y?></a>", Check::ProcessingInstruction),
            ("<?xml-stylesheet href='x'?><a/>", Check::ProcessingInstruction),
            (" <?xml version='1.0'?><a/>", Check::ProcessingInstruction),
            ("<?xml version='1.0' encoding='utf-16'?><a/>", Check::Encoding),
            ("<?xml version='1.1'?><a/>", Check::Encoding),
            ("\u{FEFF}<a/>", Check::Encoding),
        ] {
            assert_eq!(check(xml), Err(expected), "{xml}");
        }
    }

    #[test]
    fn limits_hold_at_the_edge() {
        let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
        let wide = |n: usize| format!("<a{}/>", vec![" b=''"; n].concat());
        let many = |n: usize| format!("<a>{}</a>", "<b/>".repeat(n - 1));

        assert_eq!(check(&nested(MAX_DEPTH)), Ok(()));
        assert_eq!(check(&nested(MAX_DEPTH + 1)), Err(Check::Complexity));
        assert_eq!(check(&wide(MAX_ATTRIBUTES)), Ok(()));
        assert_eq!(check(&wide(MAX_ATTRIBUTES + 1)), Err(Check::Complexity));
        assert_eq!(check(&many(MAX_ELEMENTS)), Ok(()));
        assert_eq!(check(&many(MAX_ELEMENTS + 1)), Err(Check::Complexity));
        assert_eq!(check(&" ".repeat(MAX_BYTES + 1)), Err(Check::Size));
    }

    #[test]
    fn bytes_that_are_not_utf8_are_refused() {
        let rejection = scan(b"<a>\xff</a>").expect_err("not UTF-8");

        assert_eq!(rejection.check, Check::Encoding);
    }
}
