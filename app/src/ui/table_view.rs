//! Which part of a table is shown: sort, page and columns, all of it in the address.

use crate::{limits, values::Query};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableView {
    pub sort: Option<String>,
    pub descending: bool,
    /// From 1.
    pub page: u32,
    pub rows: u32,
    /// Columns the person chose; empty means those shown by default.
    pub columns: Vec<String>,
}

impl TableView {
    pub fn from_query(query: &Query) -> Self {
        let rows = query.get("rows").and_then(|rows| rows.parse().ok()).filter(|rows| limits::ROWS_PER_PAGE_CHOICES.contains(rows));
        Self {
            sort: query.get("sort").map(Into::into),
            descending: query.get("desc") == Some("1"),
            // A page beyond any table is the last one a person can mean, not an overflow.
            page: query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1).clamp(1, 1_000_000),
            rows: rows.unwrap_or(limits::ROWS_PER_PAGE),
            columns: query.all("col").to_vec(),
        }
    }

    pub fn offset(&self) -> u32 {
        (self.page - 1) * self.rows
    }

    pub fn shows(&self, column: &str, by_default: bool) -> bool {
        if self.columns.is_empty() { by_default } else { self.columns.iter().any(|chosen| chosen == column) }
    }

    /// The query with the sort that a click on `column`'s head means: ascending first, then the other way.
    pub fn sorted_by(&self, query: &Query, column: &str, by_default: bool) -> Query {
        let is_current = self.sort.as_deref().map_or(by_default, |sort| sort == column);
        let query = query.clone().without("page").with("sort", column);
        if is_current && !self.descending { query.with("desc", "1") } else { query.without("desc") }
    }

    pub fn pages(&self, total: u64) -> u32 {
        u32::try_from(total.div_ceil(u64::from(self.rows))).unwrap_or(u32::MAX).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(query: &str) -> TableView {
        TableView::from_query(&Query::parse(query))
    }

    #[test]
    fn odd_numbers_in_the_address_are_tamed() {
        assert_eq!(view("page=0&rows=7").page, 1);
        assert_eq!(view("rows=999999").rows, 50);
        assert_eq!(view("page=4294967295&rows=200").offset(), 199_999_800);
        assert_eq!(view("").pages(0), 1);
        assert_eq!(view("rows=25").pages(26), 2);
    }

    #[test]
    fn a_click_sorts_up_the_next_one_down_and_both_go_back_to_the_first_page() {
        let query = Query::parse("page=3&q=x");
        let up = view("page=3&q=x").sorted_by(&query, "name", false);
        assert_eq!(up.link("/users"), "/users?q=x&sort=name");
        let down = TableView::from_query(&up).sorted_by(&up, "name", false);
        assert_eq!(down.link("/users"), "/users?desc=1&q=x&sort=name");
        let up_again = TableView::from_query(&down).sorted_by(&down, "name", false);
        assert_eq!(up_again, up);
        assert_eq!(view("").sorted_by(&Query::default(), "name", true).get("desc"), Some("1"), "it is sorted by name already");
    }

    #[test]
    fn chosen_columns_win_over_the_usual_ones() {
        assert!(view("").shows("name", true) && !view("").shows("agent", false));
        assert!(view("col=agent").shows("agent", false) && !view("col=agent").shows("name", true));
    }
}
