//! The content of a mail as SMTP sends it: ended by a line with only a dot, other lines' leading dots doubled
//! (RFC 5321 §4.5.2).
//!
//! **Invariant:** only CRLF is a line end. A dot between bare LFs or CRs ends nothing, which is what SMTP smuggling
//! lives on.

/// Takes the dots out again, across any division into chunks.
pub(super) struct DataDecoder {
    mail: Vec<u8>,
    limit: usize,
    state: State,
    overflowed: bool,
}

/// What the last bytes were.
#[derive(Clone, Copy)]
enum State {
    /// CRLF, or the beginning.
    LineStart,
    /// A dot at the start of a line.
    Dot,
    /// That, and CR.
    DotCr,
    /// CR elsewhere.
    Cr,
    /// Anything else.
    Line,
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decoded {
    Mail(Vec<u8>),
    /// It has been read to its end, but not kept.
    TooLarge,
}

impl DataDecoder {
    /// `limit` in bytes, of the mail without the doubled dots.
    pub(super) fn new(limit: usize) -> Self {
        Self { mail: Vec::new(), limit, state: State::LineStart, overflowed: false }
    }

    /// Takes in the next bytes. Once the end has come: how many of them belong to the mail.
    pub(super) fn decode(&mut self, bytes: &[u8]) -> Option<usize> {
        bytes.iter().position(|&byte| self.ends_with(byte)).map(|last| last + 1)
    }

    pub(super) fn finish(self) -> Decoded {
        if self.overflowed { Decoded::TooLarge } else { Decoded::Mail(self.mail) }
    }

    fn ends_with(&mut self, byte: u8) -> bool {
        match (self.state, byte) {
            (State::LineStart, b'.') => self.state = State::Dot,
            (State::Dot, b'\r') => self.state = State::DotCr,
            (State::DotCr, b'\n') => return true,
            (State::DotCr, _) => {
                self.continue_line(b'\r');
                self.continue_line(byte);
            }
            _ => self.continue_line(byte),
        }
        false
    }

    fn continue_line(&mut self, byte: u8) {
        self.keep(byte);
        self.state = match (self.state, byte) {
            (State::Cr, b'\n') => State::LineStart,
            (_, b'\r') => State::Cr,
            _ => State::Line,
        };
    }

    fn keep(&mut self, byte: u8) {
        if self.mail.len() < self.limit {
            self.mail.push(byte);
        } else {
            self.overflowed = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The mail, and what was left over.
    fn decode(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
        let mut decoder = DataDecoder::new(1000);
        let consumed = decoder.decode(bytes)?;
        match decoder.finish() {
            Decoded::Mail(mail) => Some((mail, &bytes[consumed..])),
            Decoded::TooLarge => None,
        }
    }

    #[test]
    fn a_dot_alone_ends_the_mail_and_other_dots_stay() {
        assert_eq!(decode(b".\r\nQUIT"), Some((vec![], &b"QUIT"[..])));
        assert_eq!(
            decode(b"a\r\n..b\r\n...\r\n.c\r\n.\r\n"),
            Some((b"a\r\n.b\r\n..\r\nc\r\n".to_vec(), &b""[..]))
        );
    }

    #[test]
    fn only_crlf_makes_a_line() {
        for smuggled in
            [&b"a\n.\nMAIL"[..], b"a\n.\r\nMAIL", b"a\r.\r\nMAIL", b"a\r\n.\nMAIL", b"a\r\n.\rMAIL"]
        {
            assert_eq!(decode(smuggled), None, "{smuggled:?}");
        }
        assert_eq!(decode(b"a\r\n.\rb\r\n.\r\n"), Some((b"a\r\n\rb\r\n".to_vec(), &b""[..])));
        assert_eq!(decode(b".\r\r\n.\r\n"), Some((b"\r\r\n".to_vec(), &b""[..])));
    }

    #[test]
    fn a_large_mail_is_read_but_not_kept() {
        let mut decoder = DataDecoder::new(4);

        assert_eq!(decoder.decode(b"12345"), None);
        assert_eq!(decoder.decode(b"\r\n.\r\nNOOP"), Some(5));
        assert_eq!(decoder.finish(), Decoded::TooLarge);
    }

    proptest! {
        #[test]
        fn what_is_stuffed_comes_out_again(lines in prop::collection::vec("[.a\r]{0,4}", 0..8), cut in 0_usize..64) {
            let lines: Vec<_> = lines.iter().map(|line| line.replace('\r', "\rx")).collect();
            let (mut mail, mut stuffed) = (String::new(), String::new());
            for line in &lines {
                mail += &[line, "\r\n"].concat();
                stuffed += &[if line.starts_with('.') { "." } else { "" }, line, "\r\n"].concat();
            }
            let sent = format!("{stuffed}.\r\n");
            let (first, second) = sent.as_bytes().split_at(cut.min(sent.len() - 1));

            let mut decoder = DataDecoder::new(1000);

            prop_assert_eq!(decoder.decode(first), None);
            prop_assert_eq!(decoder.decode(second), Some(second.len()));
            prop_assert_eq!(decoder.finish(), Decoded::Mail(mail.into_bytes()));
        }
    }
}
