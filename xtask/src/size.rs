//! `cargo xtask size`: how long files and functions are.
//!
//! Reads what rustfmt has laid out: an item ends at the first closing brace that stands as far in as it.

use std::cmp::Reverse;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use crate::check::{self, Outcome};
use crate::workspace;

/// Lines of a file without its tests.
const FILE_LIMIT: usize = 500;

/// How many of the longest functions are shown.
const SHOWN: usize = 10;

pub(crate) fn run(_arguments: &[String]) -> Result<ExitCode> {
    lint().map(|_| ExitCode::SUCCESS)
}

/// Fails if a file is too long.
pub(crate) fn lint() -> Result<Outcome> {
    let mut violations = Vec::new();
    let mut functions = Vec::new();
    for path in workspace::rust_files()?.into_iter().filter(|path| !is_test(path)) {
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let lines = without_tests(&text);
        if lines.len() > FILE_LIMIT {
            violations.push(format!("{}: {} lines, at most {FILE_LIMIT}", path.display(), lines.len()));
        }
        functions.extend(
            lengths_of_functions(&lines).into_iter().map(|(name, length)| (length, name, path.clone())),
        );
    }
    print_longest(functions);
    check::verdict(&violations)
}

/// Whether a whole file is tests: of a suite, or a module `tests` in a file of its own.
fn is_test(path: &Path) -> bool {
    path.iter().any(|part| part == "suite" || part == "tests.rs")
}

fn print_longest(mut functions: Vec<(usize, String, PathBuf)>) {
    functions.sort_by_key(|(length, ..)| Reverse(*length));
    let median = functions.get(functions.len() / 2).map_or(0, |(length, ..)| *length);
    println!("{} functions, the median {median} lines long; the longest:", functions.len());
    for (length, name, path) in functions.iter().take(SHOWN) {
        println!("  {length:>3} {name} ({})", path.display());
    }
}

/// A file's lines but for its modules of tests.
fn without_tests(text: &str) -> Vec<&str> {
    let mut kept = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let begins_tests = line == "#[cfg(test)]" && lines.peek().is_some_and(|next| next.ends_with('{'));
        if begins_tests {
            lines.by_ref().find(|line| *line == "}");
        } else {
            kept.push(line);
        }
    }
    kept
}

/// Each function's name and number of lines, its signature included.
fn lengths_of_functions(lines: &[&str]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let indent = line.get(..line.len() - line.trim_start().len()).unwrap_or_default();
        // A signature without a body ends like one, and so does a body on the line of its signature.
        let ends_item = |line: &&str| {
            line.strip_prefix(indent)
                .is_some_and(|rest| rest == "}" || !rest.starts_with(' ') && rest.ends_with([';', '}']))
        };
        let length = lines.iter().skip(start).position(ends_item).map_or(1, |offset| offset + 1);
        found.push((name.to_owned(), length));
    }
    found
}

fn function_name(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("fn ")?;
    let is_modifier = |word: &str| matches!(word, "async" | "const" | "unsafe") || word.starts_with("pub");
    let name = after.split(['(', '<']).next().filter(|name| !name.is_empty());
    name.filter(|_| before.split_whitespace().all(is_modifier))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_not_counted_and_what_follows_them_is() {
        let text = "mod a;\n#[cfg(test)]\nmod tests {\n    fn b() {\n    }\n}\nfn c() {}\n#[cfg(test)]\nmod tests;\n";

        assert_eq!(without_tests(text), ["mod a;", "fn c() {}", "#[cfg(test)]", "mod tests;"]);
    }

    #[test]
    fn a_function_is_as_long_as_its_lines() {
        let text = "\
fn one() {}
trait Finds {
    fn declared(&self);
    async fn four<'a>(
        &'a self,
    ) -> Self {
        let fn_like = 1;
    }
}
pub(crate) const fn three() {
    // fn commented() {
}";
        let lines: Vec<_> = text.lines().collect();
        let lengths = lengths_of_functions(&lines);

        let expected = [("one", 1), ("declared", 1), ("four", 5), ("three", 3)];
        assert_eq!(lengths, expected.map(|(name, length)| (name.to_owned(), length)));
    }
}
