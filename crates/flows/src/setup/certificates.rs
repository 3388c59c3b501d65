//! Certificates that were typed in: one or several, as files have them.

use orgate_domain::connections::{MAX_CERTIFICATES, SamlSettings};
use orgate_saml::certificate::Certificate;

use super::{Problem, SetupError};
use crate::{Env, Failure, sentence};

/// The field that they are typed into.
const FIELD: &str = "certificate";

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";
const LABEL: &str = "CERTIFICATE";

/// Reads what was typed: blocks of PEM, or one certificate as bare base64. Each problem says of which certificate.
///
/// # Errors
/// [`SetupError::Invalid`].
pub(super) async fn read(env: &Env, text: String) -> Result<Vec<String>, SetupError> {
    let read = env.heavy.run(move || certificates_in(&text)).await;
    let read = read.map_err(Failure::from)?;
    read.map_err(|why| {
        SetupError::Invalid(why.into_iter().map(|why| Problem { field: FIELD, why }).collect())
    })
}

/// The certificates of a connection, the one that lasts longest first.
pub(crate) fn of(settings: &SamlSettings) -> Vec<Certificate> {
    let read = settings.certificates.iter().filter_map(|text| Certificate::parse(text).ok());
    let mut known: Vec<_> = read.collect();
    known.sort_by_key(|certificate| std::cmp::Reverse(certificate.not_after()));
    known
}

/// The same as they would be typed, each below a line that tells which one it is.
pub fn as_text(settings: &SamlSettings) -> String {
    let block = |certificate: &Certificate| {
        let (start, until) = (fingerprint(certificate), certificate.not_after().format("%-d %B %Y"));
        let start: String = start.chars().take(23).collect();
        format!("Until {until}, SHA-256 {start}…\n{}", certificate.pem())
    };
    of(settings).iter().map(block).collect()
}

/// SHA-256 of a certificate as providers' pages and `openssl` write it: pairs between colons.
pub fn fingerprint(certificate: &Certificate) -> String {
    let text = certificate.fingerprint().to_ascii_uppercase();
    let pairs = text.as_bytes().chunks(2).filter_map(|pair| std::str::from_utf8(pair).ok());
    pairs.collect::<Vec<_>>().join(":")
}

/// Whether two texts are the same but for white space, and for remarks around certificates.
pub fn is_same(one: &str, other: &str) -> bool {
    let bare = |text: &str| {
        let blocks = blocks(text).unwrap_or_else(|_| vec![text]);
        let bare = blocks.iter().map(|block| block.split_whitespace().collect::<String>());
        bare.collect::<Vec<_>>()
    };
    bare(one) == bare(other)
}

/// Whether a private key went astray in it.
pub fn is_private(text: &str) -> bool {
    text.contains("PRIVATE KEY-----")
}

fn certificates_in(text: &str) -> Result<Vec<String>, Vec<String>> {
    if is_private(text) {
        let why = "This holds a private key. Paste certificates alone, and consider the key as given away.";
        return Err(vec![why.to_owned()]);
    }
    let blocks = blocks(text)?;
    if blocks.len() > MAX_CERTIFICATES {
        return Err(vec![format!("These are {} certificates: at most {MAX_CERTIFICATES}.", blocks.len())]);
    }
    let (mut read, mut wrong): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for (at, block) in blocks.iter().enumerate() {
        match Certificate::parse(block) {
            Ok(certificate) => read.push(certificate.base64()),
            Err(error) if blocks.len() == 1 => wrong.push(sentence(&error.to_string())),
            Err(error) => wrong.push(format!("Certificate {}: {error}.", at + 1)),
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let mut seen = std::collections::BTreeSet::new();
    read.retain(|certificate| seen.insert(certificate.clone()));
    Ok(read)
}

/// What stands between the lines of each block. Text around blocks is what tools write about them (RFC 7468 §2),
/// unless it could be a certificate itself: then nothing of it may be lost.
fn blocks(text: &str) -> Result<Vec<&str>, Vec<String>> {
    if !text.contains(BEGIN) {
        return Ok(vec![text]);
    }
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once(BEGIN) {
        check_between(before, found.len())?;
        let number = found.len() + 1;
        let (label, after) = after.split_once(DASHES).unwrap_or((after, ""));
        if label != LABEL {
            let label: String = label.chars().take(40).filter(|c| !c.is_control()).collect();
            return Err(vec![format!("Block {number} is no certificate, but says {label:?}.")]);
        }
        let end = format!("-----END {LABEL}-----");
        let Some((body, after)) = after.split_once(&end).filter(|(body, _)| !body.contains(DASHES)) else {
            return Err(vec![format!("Certificate {number} has no line {end}.")]);
        };
        found.push(body);
        rest = after;
    }
    check_between(rest, found.len())?;
    Ok(found)
}

/// A line as long as those of a certificate, and made of the same letters.
fn check_between(text: &str, before: usize) -> Result<(), Vec<String>> {
    let is_base64 = |line: &str| {
        line.len() >= 60 && line.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='))
    };
    if text.lines().any(|line| is_base64(line.trim())) {
        let place = if before == 0 {
            "Before certificate 1".to_owned()
        } else {
            format!("After certificate {before}")
        };
        return Err(vec![format!("{place} stands what looks like another one without its first line.")]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tools_write_around_blocks_is_passed_over_and_nothing_else_is() {
        let block = "-----BEGIN CERTIFICATE-----\r\nAAAA\r\n-----END CERTIFICATE-----\r\n";
        let remark = "subject=CN = idp, O = Acme\nUntil 25 October 2028, SHA-256 2E:0A:C7:52:F3:2B:01:1E…\n";
        let line = "A".repeat(64);

        assert_eq!(blocks(block).map(|found| found.len()), Ok(1));
        assert_eq!(
            blocks(&format!("{remark}{block}{remark}{block}{remark}")).map(|found| found.len()),
            Ok(2)
        );
        assert_eq!(blocks("AAAA").map(|found| found.len()), Ok(1), "bare base64");
        for (text, place) in [
            (format!("{line}\n{block}"), "Before certificate 1"),
            (format!("{block}{line}"), "After certificate 1"),
        ] {
            assert!(blocks(&text).is_err_and(|why| why.iter().all(|why| why.starts_with(place))), "{place}");
        }
        for text in [
            "-----BEGIN ",
            "-----BEGIN CERTIFICATE-----",
            "-----BEGIN CERTIFICATE",
            "-----BEGIN X509 CRL-----",
        ] {
            assert!(blocks(text).is_err(), "{text}");
        }
        assert!(blocks(&format!("-----BEGIN CERTIFICATE-----\nAAAA\n{block}")).is_err());
    }
}
