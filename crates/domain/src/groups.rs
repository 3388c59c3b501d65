//! Groups inside of groups.

use std::collections::BTreeMap;

/// The groups, each after those that it is inside of; without those that lead in a circle, and whatever is inside of one.
/// `inside` says of each group what it is directly inside of; what is not one of them is taken to be in no circle.
pub fn outermost_first<Name: Ord + Copy>(inside: &BTreeMap<Name, Vec<Name>>) -> Vec<Name> {
    let mut order: Vec<Name> = Vec::with_capacity(inside.len());
    loop {
        let placed = |name: &Name| order.contains(name) || !inside.contains_key(name);
        let next: Vec<Name> = inside
            .iter()
            .filter(|(name, parents)| !order.contains(name) && parents.iter().all(placed))
            .map(|(name, _)| *name)
            .collect();
        if next.is_empty() {
            return order;
        }
        order.extend(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(inside: &[(&'static str, &[&'static str])]) -> String {
        let inside = inside.iter().map(|(name, parents)| (*name, parents.to_vec())).collect();
        outermost_first(&inside).join(" ")
    }

    #[test]
    fn what_others_are_inside_of_comes_first() {
        assert_eq!(order(&[("a", &["c"]), ("b", &["a", "c"]), ("c", &[])]), "c a b");
        assert_eq!(order(&[("a", &["elsewhere"])]), "a");
    }

    #[test]
    fn what_leads_in_a_circle_has_no_place() {
        assert_eq!(order(&[("a", &["a"]), ("b", &[])]), "b");
        assert_eq!(order(&[("a", &["b"]), ("b", &["c"]), ("c", &["a"]), ("d", &["c"]), ("e", &[])]), "e");
    }
}
