//! SMTP commands (RFC 5321 §4.1.1).

use super::MAX_MAIL_BYTES;

/// RFC 5321 §4.5.3.1.3, which counts the angle brackets.
const MAX_ADDRESS_BYTES: usize = 254;

/// A command that is understood. What `EHLO` and `HELO` say about the client is not needed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    Data,
    Ehlo,
    Helo,
    Mail { from: String },
    Noop,
    Quit,
    Rcpt { to: String },
    Rset,
    Vrfy,
}

/// Why a command is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CommandError {
    Argument,
    Line,
    Parameter,
    TooLarge,
    Unknown,
}

impl CommandError {
    pub(super) fn reply(self) -> &'static str {
        match self {
            Self::Argument => "501 syntax error in the arguments",
            Self::Line => "500 a line is UTF-8, ends with CRLF and is not that long",
            Self::Parameter => "555 parameter not supported",
            Self::TooLarge => "552 the mail is larger than 1 MiB",
            Self::Unknown => "500 command not recognized",
        }
    }
}

impl Command {
    /// Parses a line, its CRLF included. Only CRLF ends a line (RFC 5321 §2.3.8).
    pub(super) fn parse(line: &[u8]) -> Result<Self, CommandError> {
        let line = line.strip_suffix(b"\r\n").ok_or(CommandError::Line)?;
        let line = std::str::from_utf8(line).map_err(|_| CommandError::Line)?;
        if line.chars().any(char::is_control) {
            return Err(CommandError::Line);
        }
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let alone = |command| if rest.trim().is_empty() { Ok(command) } else { Err(CommandError::Argument) };
        let named = |command| if rest.trim().is_empty() { Err(CommandError::Argument) } else { Ok(command) };
        match verb.to_ascii_uppercase().as_str() {
            "DATA" => alone(Self::Data),
            "EHLO" => named(Self::Ehlo),
            "HELO" => named(Self::Helo),
            "MAIL" => parse_mail(rest),
            "NOOP" => Ok(Self::Noop),
            "QUIT" => alone(Self::Quit),
            "RCPT" => parse_rcpt(rest),
            "RSET" => alone(Self::Rset),
            "VRFY" => named(Self::Vrfy),
            _ => Err(CommandError::Unknown),
        }
    }
}

/// `FROM:<reverse-path>` and the parameters that `EHLO` offered (RFC 1870, RFC 6152, RFC 6531).
fn parse_mail(rest: &str) -> Result<Command, CommandError> {
    let (from, parameters) = parse_path(rest, "FROM:")?;
    for parameter in parameters.split_ascii_whitespace() {
        let parameter = parameter.to_ascii_uppercase();
        match parameter.split_once('=').unwrap_or((&parameter, "")) {
            ("SIZE", size) => {
                let size: usize = size.parse().map_err(|_| CommandError::Argument)?;
                if size > MAX_MAIL_BYTES {
                    return Err(CommandError::TooLarge);
                }
            }
            ("BODY", "7BIT" | "8BITMIME") | ("SMTPUTF8", "") => {}
            _ => return Err(CommandError::Parameter),
        }
    }
    Ok(Command::Mail { from: from.to_owned() })
}

/// `TO:<forward-path>`.
fn parse_rcpt(rest: &str) -> Result<Command, CommandError> {
    let (to, parameters) = parse_path(rest, "TO:")?;
    match (to, parameters.trim()) {
        ("", _) => Err(CommandError::Argument),
        (to, "") => Ok(Command::Rcpt { to: to.to_owned() }),
        _ => Err(CommandError::Parameter),
    }
}

/// The address between the angle brackets, and what follows them. Source routes and quoted local parts are refused.
fn parse_path<'l>(rest: &'l str, keyword: &str) -> Result<(&'l str, &'l str), CommandError> {
    let argument = rest
        .split_at_checked(keyword.len())
        .filter(|(start, _)| start.eq_ignore_ascii_case(keyword))
        .and_then(|(_, path)| path.trim_start().strip_prefix('<'));
    let (address, parameters) =
        argument.and_then(|path| path.split_once('>')).ok_or(CommandError::Argument)?;
    let strange = |c: char| c.is_whitespace() || matches!(c, '<' | '"' | ',');
    if address.len() > MAX_ADDRESS_BYTES || address.contains(strange) {
        return Err(CommandError::Argument);
    }
    Ok((address, parameters))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_in_any_case() {
        let ann = || "ann@acme.test".to_owned();
        for (line, command) in [
            ("EHLO me.test\r\n", Command::Ehlo),
            ("helo [127.0.0.1]\r\n", Command::Helo),
            ("MAIL FROM:<ann@acme.test>\r\n", Command::Mail { from: ann() }),
            (
                "mail from: <ann@acme.test> SIZE=1048576 body=8bitmime SMTPUTF8\r\n",
                Command::Mail { from: ann() },
            ),
            ("MAIL FROM:<>\r\n", Command::Mail { from: String::new() }),
            ("RCPT TO:<ann@acme.test>\r\n", Command::Rcpt { to: ann() }),
            ("DATA\r\n", Command::Data),
            ("NOOP whatever\r\n", Command::Noop),
            ("quit \r\n", Command::Quit),
        ] {
            assert_eq!(Command::parse(line.as_bytes()), Ok(command), "{line:?}");
        }
    }

    #[test]
    fn everything_else_is_refused_for_its_reason() {
        let long = format!("RCPT TO:<{}@x.test>\r\n", "a".repeat(250));
        for (line, error) in [
            ("NOOP\n", CommandError::Line),
            ("NOOP", CommandError::Line),
            ("NOOP\rQUIT\r\n", CommandError::Line),
            ("RCPT TO:<a\0b@x.test>\r\n", CommandError::Line),
            ("GET / HTTP/1.1\r\n", CommandError::Unknown),
            ("STARTTLS\r\n", CommandError::Unknown),
            ("\r\n", CommandError::Unknown),
            ("EHLO\r\n", CommandError::Argument),
            ("DATA now\r\n", CommandError::Argument),
            ("MAIL ann@acme.test\r\n", CommandError::Argument),
            ("MAIL FROM:ann@acme.test\r\n", CommandError::Argument),
            ("MAIL FROM:<ann@acme.test\r\n", CommandError::Argument),
            ("MAIL FROM:<ann@acme.test> SIZE=-1\r\n", CommandError::Argument),
            ("MAIL FROM:<ann@acme.test> SIZE=1048577\r\n", CommandError::TooLarge),
            ("MAIL FROM:<ann@acme.test> RET=HDRS\r\n", CommandError::Parameter),
            ("RCPT TO:<>\r\n", CommandError::Argument),
            ("RCPT TO:<@relay.test,@b:ann@acme.test>\r\n", CommandError::Argument),
            ("RCPT TO:<ann@acme.test> NOTIFY=NEVER\r\n", CommandError::Parameter),
            (&long, CommandError::Argument),
        ] {
            assert_eq!(Command::parse(line.as_bytes()), Err(error), "{line:?}");
        }
        assert_eq!(Command::parse(b"RCPT TO:<\xff@x.test>\r\n"), Err(CommandError::Line));
    }
}
