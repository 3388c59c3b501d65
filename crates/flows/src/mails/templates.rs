//! The language of templates: minijinja's placeholders and conditions, and nothing else of it.
//!
//! **Invariant:** what minijinja parses was read before, token by token: it names what a mail has to say and conditions on
//! that, a bounded number of them. Its fuel bounds what a template does, and not how deep a text nests, which ends a process:
//! a sum of eight thousand terms, or a list of a list of a list. What cannot be written cannot do that (ADR 32).

use minijinja::machinery::{Token, tokenize};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Value};
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use orgate_domain::mail_templates::{MAX_TEXT, MailKind};

/// Placeholders and conditions of a template at most.
const MAX_TAGS: usize = 64;

/// Words of one of them at most.
const MAX_WORDS: usize = 16;

/// One is an instruction, or 64 bytes of what is written.
const FUEL: u64 = 2_000;

/// Bytes that come of a template at most: escaped, and with what is ours around it, less than what mail programs cut off.
const MAX_RENDERED: usize = MAX_TEXT;

/// What conditions are made of.
const OPERATORS: [&str; 7] = ["if", "elif", "else", "endif", "and", "or", "not"];

/// What placeholders stand for.
pub(crate) type Values<'a> = [(&'static str, &'a str)];

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {detail}")]
pub(crate) struct TemplateError {
    line: usize,
    detail: String,
}

impl From<minijinja::Error> for TemplateError {
    fn from(error: minijinja::Error) -> Self {
        let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
        Self { line: error.line().unwrap_or(1), detail }
    }
}

/// Puts values where the template names them. They are text, whatever is in them.
///
/// # Errors
/// [`TemplateError`].
pub(crate) fn render(kind: MailKind, template: &str, values: &Values<'_>) -> Result<String, TemplateError> {
    check(kind, template)?;
    let mut engine = Environment::empty();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_auto_escape_callback(|_| AutoEscape::None); // the layout escapes, once
    engine.set_fuel(Some(FUEL));
    let values: Kwargs = values.iter().map(|(name, value)| (*name, Value::from(*value))).collect();
    let rendered = engine.render_str(template, Value::from(values))?;
    if rendered.len() > MAX_RENDERED {
        return Err(TemplateError { line: 1, detail: format!("more than {MAX_RENDERED} bytes come of it") });
    }
    Ok(rendered)
}

/// Whether a template is one, by its tokens alone.
fn check(kind: MailKind, template: &str) -> Result<(), TemplateError> {
    let (mut tags, mut words) = (0, 0);
    for token in tokenize(template, false, SyntaxConfig::default()) {
        let (token, span) = token?;
        let refused = |detail: String| Err(TemplateError { line: span.start_line.into(), detail });
        match token {
            Token::TemplateData(_) | Token::VariableEnd | Token::BlockEnd => {}
            Token::VariableStart | Token::BlockStart if tags == MAX_TAGS => {
                return refused(format!("up to {MAX_TAGS} placeholders and conditions"));
            }
            Token::VariableStart | Token::BlockStart => (tags, words) = (tags + 1, 0),
            Token::Ident(_) if words == MAX_WORDS => {
                return refused(format!("up to {MAX_WORDS} words in one place"));
            }
            Token::Ident(word) if OPERATORS.contains(&word) || kind.variables().contains(&word) => words += 1,
            Token::Ident(word) => {
                let known = kind.variables().join(", ");
                let word: String = word.chars().take(40).collect();
                return refused(format!(
                    "there is no {word} here: a template names {known}, and has conditions of if, elif, else, endif, and, \
                     or, not"
                ));
            }
            other => {
                return refused(format!(
                    "{other}: a template has names and conditions on them, and no calls, filters, operators, numbers or texts"
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: &Values<'_> = &[
        ("organization", "Acme"),
        ("inviter", "Ada"),
        ("name", ""),
        ("email", "grace@example.com"),
        ("expires", "4 December 2026"),
    ];

    fn rendered(template: &str) -> Result<String, String> {
        render(MailKind::Invitation, template, VALUES).map_err(|error| error.to_string())
    }

    #[test]
    fn names_and_conditions_are_filled_in() {
        let template = "{% if name %}Dear {{ name }}{% elif inviter and not name %}{{ inviter }} says hello{% else %}Hello{% endif %}\
                        {# nobody sees this #}, {{ organization }}: {% raw %}{{ name }}{% endraw %}";

        assert_eq!(rendered(template).as_deref(), Ok("Ada says hello, Acme: {{ name }}"));
    }

    #[test]
    fn a_value_is_text_whatever_is_in_it() {
        let values =
            [("organization", "{{ email }}{% if 1 %}<b>"), ("name", "x"), ("email", "ada@acme.test")];

        let rendered = render(MailKind::AddressChanged, "{{ organization }}", &values);

        assert_eq!(rendered.as_deref(), Ok("{{ email }}{% if 1 %}<b>"));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (template, problem) in [
            (
                "a\nb {{ secret }}",
                "line 2: there is no secret here: a template names organization, inviter, name",
            ),
            ("{{ organization ", "line 1: unexpected end of input"),
            ("\n\n{% if name %}", "line 3: unexpected end of input"),
            ("{{ name.__class__ }}", "line 1: `.`: a template has names and conditions"),
            ("{{ 'x' * 1000000 }}", "line 1: string: a template has names"),
        ] {
            let said = rendered(template).expect_err(template);
            assert!(said.starts_with(problem), "{template:?}: {said}");
        }
    }

    /// Each was tried with fuel alone: it ends the process, or does not end.
    #[test]
    fn nothing_that_nests_or_grows_can_be_written() {
        let long =
            |begin: &str, again: &str, times: usize| format!("{{{{ {begin}{} }}}}", again.repeat(times));
        for template in [
            long("1", "+1", 8_000),
            long("name", ".a", 8_000),
            long("name", "[1]", 5_000),
            long("name", "()", 8_000),
            long("name", "|upper", 2_500),
            long("name", "~name", 3_000),
            long("name", " or name", 2_000),
            long("name", " if name else name", 800),
            long("", "not ", 4_000),
            long("", "-", 16_000),
            long("", "(", 16_000),
            long("", "[", 16_000),
            format!("{{% if name %}}{}{{% endif %}}", "{%elif name%}".repeat(1_200)),
            "{%if name%}".repeat(1_400) + &"{%endif%}".repeat(1_400),
            "{% set a=[1] %}".to_owned() + &"{% set a=[a,a] %}".repeat(60) + "{{ a }}",
            "{% for a in name %}{% endfor %}".to_owned(),
            "{% filter upper %}a{% endfilter %}".to_owned(),
            "{% autoescape false %}a{% endautoescape %}".to_owned(),
            "{% include 'a' %}".to_owned(),
            "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}".to_owned(),
            "{{ self }}".to_owned(),
            "{{ debug() }}".to_owned(),
            "{{ none }}".to_owned(),
        ] {
            assert!(rendered(&template).is_err(), "{template:.60}");
        }
    }

    /// As deep and as long as it is let be, on a thread with as much stack as those of the server.
    #[test]
    fn what_can_be_written_fits_on_the_stack() {
        let deep = "{%if name or not name%}".repeat(32) + "x" + &"{%endif%}".repeat(32);
        let chain = format!("{{%if name%}}{}{{%endif%}}", "{%elif name%}".repeat(62));
        let wide = format!("{{{{ name {} }}}}", "or name ".repeat(7));
        let long = "x".repeat(15_000) + &"{{ organization }}".repeat(64);
        let work =
            move || [deep, chain, wide, long].map(|template| rendered(&template).map(|text| text.len()));

        let done =
            std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(work).unwrap().join().unwrap();

        assert_eq!(done, [Ok(1), Ok(0), Ok(0), Ok(15_000 + 64 * 4)]);
    }

    #[test]
    fn what_comes_of_a_template_is_bounded() {
        let long = "x".repeat(20_000);
        let values = [("organization", long.as_str()), ("name", ""), ("email", "")];

        let refused = render(MailKind::AddressChanged, &"{{ organization }}".repeat(64), &values);

        assert!(refused.is_err());
    }
}
