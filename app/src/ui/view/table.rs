use crate::{
    limits,
    ui::{Choice, Kind, Select, Submit, icon, icon::Icon, table_view::TableView},
    values::{Query, quantity::format_count},
};
use leptos::{either::Either, prelude::*};

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub key: &'static str,
    pub title: &'static str,
    pub numeric: bool,
    pub sortable: bool,
    pub by_default: bool,
}

impl Column {
    pub const fn text(key: &'static str, title: &'static str) -> Self {
        Self { key, title, numeric: false, sortable: true, by_default: true }
    }

    pub const fn number(key: &'static str, title: &'static str) -> Self {
        Self { numeric: true, ..Self::text(key, title) }
    }

    pub const fn unsorted(self) -> Self {
        Self { sortable: false, ..self }
    }

    pub const fn hidden(self) -> Self {
        Self { by_default: false, ..self }
    }
}

/// A cell for each column, in the columns' order.
pub type Cell = AnyView;
pub type Row = Vec<Cell>;

/// What a table knows of itself besides its rows.
#[derive(Clone, Debug)]
pub struct TableFacts {
    pub path: String,
    pub query: Query,
    /// One of them and many of them: ("user", "users").
    pub what: (&'static str, &'static str),
    pub columns: &'static [Column],
    /// The column the rows are sorted by when the address says nothing.
    pub default_sort: &'static str,
    /// All rows that pass the filter; `None` where counting would cost more than it tells.
    pub total: Option<u64>,
    /// The address of the export; it takes the same query.
    pub export: Option<&'static str>,
    /// For tables that are paged by a key instead of a number: the query of the next page.
    pub older: Option<Query>,
}

/// The bar above a table: a form of the method GET, so that the address holds the filter.
#[component]
pub fn Filters(path: String, query: Query, #[prop(into)] search: String, children: Children) -> impl IntoView {
    let kept = query.pairs().filter(|(key, _)| ["sort", "desc", "col", "rows"].contains(key));
    let kept =
        kept.map(|(key, value)| view! { <input type="hidden" name=key.to_string() value=value.to_string()/> }).collect_view();
    let all = path.clone();
    let q = query.get("q").unwrap_or_default().to_string();
    let filtered = query.pairs().any(|(key, value)| !value.is_empty() && !["sort", "desc", "col", "rows", "page"].contains(&key));
    view! {
        <form class="bar" role="search" aria-label="This table" method="get" action=path>
            {kept}
            <label class="search">
                {icon(Icon::Search)} <span class="unseen">{search.clone()}</span>
                <input type="search" name="q" value=q placeholder=search data-slash=""/>
            </label>
            {children()}
            <Submit label="Filter"/>
            {filtered
                .then(|| {
                    view! {
                        <a class="button quiet" href=all>
                            "Show all"
                        </a>
                    }
                })}
        </form>
    }
}

/// A table whose sort, filter, page and columns are the server's, and in the address.
#[component]
pub fn DataTable(facts: TableFacts, rows: Vec<Row>) -> impl IntoView {
    let view = TableView::from_query(&facts.query);
    let shown = shown_columns(&facts);
    let head = table_head(&facts);
    let count = rows.len();
    let body = rows.into_iter().map(|row| {
        let cells = row.into_iter().zip(facts.columns).zip(&shown).filter(|(_, shown)| **shown);
        let cells = cells.map(|((cell, column), _)| view! { <td class=column.numeric.then_some("r")>{cell}</td> });
        view! { <tr>{cells.collect_view()}</tr> }
    });
    let body = body.collect_view();
    view! {
        <div class="scroll" tabindex="0" role="region" aria-label=format!("Table of {}", facts.what.1)>
            <table>
                {head}
                <tbody>{body}</tbody>
            </table>
        </div>
        <div class="foot">{table_count(&facts, count)} <span class="grow"></span> {column_chooser(&facts, &view)} {export(&facts)}</div>
    }
}

/// Which of the columns the address asks for, in their order.
pub fn shown_columns(facts: &TableFacts) -> Vec<bool> {
    let view = TableView::from_query(&facts.query);
    facts.columns.iter().map(|column| view.shows(column.key, column.by_default)).collect()
}

/// The head of a table, also of one whose rows live.
pub fn table_head(facts: &TableFacts) -> impl IntoView + use<> {
    let view = TableView::from_query(&facts.query);
    let shown = shown_columns(facts);
    let cells = facts.columns.iter().zip(shown).filter(|(_, shown)| *shown).map(|(column, _)| head_cell(facts, &view, *column));
    view! {
        <thead>
            <tr>{cells.collect_view()}</tr>
        </thead>
    }
}

fn head_cell(facts: &TableFacts, view: &TableView, column: Column) -> impl IntoView + use<> {
    let class = column.numeric.then_some("r");
    if !column.sortable {
        return Either::Left(view! {
            <th scope="col" class=class>
                {column.title}
            </th>
        });
    }
    let by_default = column.key == facts.default_sort;
    let current = view.sort.as_deref().map_or(by_default, |sort| sort == column.key);
    let direction = current.then_some(if view.descending { "descending" } else { "ascending" });
    let arrow = match direction {
        Some("ascending") => Icon::Up,
        Some(_) => Icon::Down,
        None => Icon::Sort,
    };
    let href = view.sorted_by(&facts.query, column.key, by_default).link(&facts.path);
    Either::Right(view! {
        <th scope="col" class=class aria-sort=direction>
            <a href=href>{column.title} {icon(arrow)}</a>
        </th>
    })
}

/// How many of how many, and the pages before and after.
pub fn table_count(facts: &TableFacts, count: usize) -> impl IntoView + use<> {
    let view = TableView::from_query(&facts.query);
    let from = u64::from(view.offset()) + 1;
    let sentence = match facts.total {
        Some(0) => format!("No {} passes the filter.", facts.what.0),
        Some(total) => {
            let until = from - 1 + count as u64;
            let what = if total == 1 { facts.what.0 } else { facts.what.1 };
            format!("{} to {} of {} {what}", format_count(from), format_count(until), format_count(total))
        }
        None if count == 1 => format!("1 {}", facts.what.0),
        None => format!("{} {}", format_count(count as u64), facts.what.1),
    };
    let page_link = |page: u32, label: &'static str| {
        let query = facts.query.clone().with("page", page.to_string());
        view! {
            <a class="button quiet" href=query.link(&facts.path)>
                {label}
            </a>
        }
    };
    let pages = facts.total.map_or(1, |total| view.pages(total));
    let before = (facts.total.is_some() && view.page > 1).then(|| page_link(view.page - 1, "Previous page"));
    let after = (facts.total.is_some() && view.page < pages).then(|| page_link(view.page + 1, "Next page"));
    let older = facts.older.as_ref().map(|query| {
        view! {
            <a class="button quiet" href=query.link(&facts.path)>
                "Older"
            </a>
        }
    });
    let turns = (before.is_some() || after.is_some() || older.is_some())
        .then(|| view! { <nav aria-label=format!("Pages of {}", facts.what.1)>{before} {after} {older}</nav> });
    view! {
        <span>{sentence}</span>
        {turns}
    }
}

fn export(facts: &TableFacts) -> impl IntoView + use<> {
    facts.export.map(|path| {
        view! {
            <a class="button quiet" href=facts.query.clone().without("page").link(path) download="">
                "Export this view"
            </a>
        }
    })
}

/// Which columns, and how many rows on a page.
pub fn column_chooser(facts: &TableFacts, view: &TableView) -> impl IntoView + use<> {
    let kept = facts.query.pairs().filter(|(key, _)| !["col", "rows", "page"].contains(key));
    let kept =
        kept.map(|(key, value)| view! { <input type="hidden" name=key.to_string() value=value.to_string()/> }).collect_view();
    let boxes = facts.columns.iter().map(|column| {
        let checked = view.shows(column.key, column.by_default);
        view! {
            <label class="check">
                <input type="checkbox" name="col" value=column.key checked=checked/>
                {column.title}
            </label>
        }
    });
    let rows = limits::ROWS_PER_PAGE_CHOICES.iter().map(|rows| Choice::new(rows.to_string(), format!("{rows} rows"))).collect();
    view! {
        <details class="chooser">
            <summary class="button quiet">"Columns"</summary>
            <form method="get" action=facts.path.clone() class="sheet">
                {kept} <fieldset>
                    <legend>"Shown columns"</legend>
                    {boxes.collect_view()}
                </fieldset>
                {facts.total.is_some().then(|| view! { <Select label="On one page" name="rows" choices=rows value=view.rows.to_string()/> })}
                <Submit label="Apply" kind=Kind::Plain/>
            </form>
        </details>
    }
}
