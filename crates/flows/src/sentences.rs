//! Errors speak in clauses; whoever shows one to a person makes a sentence of it.

/// A clause as a sentence.
pub fn sentence(clause: &str) -> String {
    let mut letters = clause.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
    let end = if clause.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_begins_large_and_ends() {
        assert_eq!(sentence("the role owner is not yours to give"), "The role owner is not yours to give.");
        assert_eq!(sentence("It was changed?"), "It was changed?");
        assert_eq!(sentence("ändern"), "Ändern.");
    }
}
