//! Pages of long lists.

/// A page of a list in the order of ids, which is that of their making. Rows that come or go meanwhile move no other row
/// from one page to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageOf<Id> {
    /// The last id of the page before; `None`: the first page.
    pub after: Option<Id>,
    /// Rows at most: 1 to [`MAX_PAGE`].
    pub limit: usize,
}

/// What is on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, Id> {
    /// The rows.
    pub items: Vec<T>,
    /// After which the next page begins, if there is one.
    pub next: Option<Id>,
}

/// Rows of the longest page.
pub const MAX_PAGE: usize = 200;

impl<T, Id> Page<T, Id> {
    /// The page, of what is made of each of its rows.
    pub fn map<Other>(self, make: impl Fn(T) -> Other) -> Page<Other, Id> {
        Page { items: self.items.into_iter().map(make).collect(), next: self.next }
    }
}

impl<Id> PageOf<Id> {
    /// Rows to read: one more than are shown, which says whether there is another page.
    pub(crate) fn rows(&self) -> i64 {
        let shown = self.limit.clamp(1, MAX_PAGE);
        i64::try_from(shown + 1).unwrap_or(i64::MAX)
    }

    /// The page, of the rows from where it begins: as many as were to be read, or all.
    pub fn cut<T>(&self, mut items: Vec<T>, id: impl Fn(&T) -> Id) -> Page<T, Id> {
        let shown = self.limit.clamp(1, MAX_PAGE);
        let more = items.len() > shown;
        items.truncate(shown);
        let next = items.last().filter(|_| more).map(id);
        Page { items, next }
    }
}
