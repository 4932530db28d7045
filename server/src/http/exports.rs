//! Exports: exactly the view (its filter, sort and columns), streamed, all pages of it. Cells are safe to open in a spreadsheet.

use super::context::{DoorContext, problem};
use app::{
    auth::{
        audit::{AuditFilter, Entry},
        guards::Access,
        pages::{audit as audit_page, users as users_page},
        role::Permission,
        store,
        store::users::UserPage,
        user::{User, UserFilter},
    },
    calls::{cdr::CdrFilter, columns as call_columns, search, store as calls_store},
    context::Request as Described,
    error::AppError,
    limits::EXPORT_ROWS_AT_ONCE,
    ui::{Column, table_view::TableView},
    values::Moment,
};
use axum::{
    Extension,
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures::{Stream, stream};
use std::{convert::Infallible, sync::Arc};

pub async fn users(State(context): State<DoorContext>, Extension(described): Extension<Arc<Described>>) -> Response {
    if let Err(error) = Access::Needs(Permission::ManageUsers).allows(described.who.as_ref()) {
        return problem(error);
    }
    let view = TableView::from_query(&described.query);
    let filter = UserFilter::from_query(&described.query);
    let columns = shown(users_page::COLUMNS, &view);
    let order = app::auth::api::users::parse_order(view.sort.as_deref());
    let head = line(&columns.iter().map(|column| column.title.to_string()).collect::<Vec<_>>());
    let rows = stream::try_unfold(0u32, move |offset| {
        let (context, filter, columns) = (context.clone(), filter.clone(), columns.clone());
        async move {
            let page = UserPage { filter: &filter, order, descending: view.descending, offset, rows_max: EXPORT_ROWS_AT_ONCE };
            let doing = "export the users";
            let mut conn = context.panel.database.acquire(doing).await?;
            let users = context.panel.database.within(doing, store::users::list_users(&mut conn, &page)).await?;
            if users.is_empty() {
                return Ok::<_, AppError>(None);
            }
            let count = u32::try_from(users.len()).unwrap_or(EXPORT_ROWS_AT_ONCE);
            let text = users.iter().map(|user| line(&columns.iter().map(|column| user_cell(user, column.key)).collect::<Vec<_>>()));
            Ok(Some((text.collect::<String>(), offset + count)))
        }
    });
    csv("users.csv", head, rows)
}

pub async fn audit(State(context): State<DoorContext>, Extension(described): Extension<Arc<Described>>) -> Response {
    if let Err(error) = Access::Needs(Permission::SeeAudit).allows(described.who.as_ref()) {
        return problem(error);
    }
    let view = TableView::from_query(&described.query);
    let filter = AuditFilter::from_query(&described.query);
    let columns = shown(audit_page::COLUMNS, &view);
    let head = line(&columns.iter().map(|column| column.title.to_string()).collect::<Vec<_>>());
    let rows = stream::try_unfold(u64::MAX, move |below| {
        let (context, filter, columns) = (context.clone(), filter.clone(), columns.clone());
        async move {
            let doing = "export the audit log";
            let mut conn = context.panel.database.acquire(doing).await?;
            let found = store::audit::list(&mut conn, &filter, below, EXPORT_ROWS_AT_ONCE);
            let entries = context.panel.database.within(doing, found).await?;
            let Some((oldest, _)) = entries.last() else { return Ok::<_, AppError>(None) };
            let below = oldest.seq;
            let text = entries
                .iter()
                .map(|(entry, _)| line(&columns.iter().map(|column| audit_cell(entry, column.key)).collect::<Vec<_>>()));
            Ok(Some((text.collect::<String>(), below)))
        }
    });
    csv("audit.csv", head, rows)
}

pub async fn cdrs(State(context): State<DoorContext>, Extension(described): Extension<Arc<Described>>) -> Response {
    if let Err(error) = Access::Needs(Permission::SeeCalls).allows(described.who.as_ref()) {
        return problem(error);
    }
    if let Err(error) = search::check(&described.query) {
        return problem(error);
    }
    let view = TableView::from_query(&described.query);
    let filter = CdrFilter::from_query(&described.query);
    let columns = shown(call_columns::COLUMNS, &view);
    let head = line(&columns.iter().map(|column| column.title.to_string()).collect::<Vec<_>>());
    let rows = stream::try_unfold(None, move |below| {
        let (context, filter, columns) = (context.clone(), filter.clone(), columns.clone());
        async move {
            let doing = "export the CDRs";
            let mut conn = context.panel.database.acquire(doing).await?;
            let found = calls_store::cdr::list(&mut conn, &filter, below, EXPORT_ROWS_AT_ONCE);
            let cdrs = context.panel.database.within(doing, found).await?;
            let Some(oldest) = cdrs.last() else { return Ok::<_, AppError>(None) };
            let below = oldest.key;
            let cells = |cdr| columns.iter().map(|column| call_columns::cell(cdr, column.key)).collect::<Vec<_>>();
            Ok(Some((cdrs.iter().map(|cdr| line(&cells(cdr))).collect::<String>(), Some(below))))
        }
    });
    csv("cdrs.csv", head, rows)
}

fn shown(columns: &'static [Column], view: &TableView) -> Vec<Column> {
    columns.iter().filter(|column| view.shows(column.key, column.by_default)).copied().collect()
}

fn user_cell(user: &User, column: &str) -> String {
    match column {
        "name" => user.name.clone(),
        "role" => user.role.name().into(),
        "state" => user.state.name().into(),
        "totp" => if user.totp { "on" } else { "off" }.into(),
        "sessions" => user.sessions.to_string(),
        "seen" => user.last_signed_in_at.map(Moment::rfc3339).unwrap_or_default(),
        "created" => user.created_at.rfc3339(),
        _ => String::new(),
    }
}

fn audit_cell(entry: &Entry, column: &str) -> String {
    match column {
        "seq" => entry.seq.to_string(),
        "at" => entry.at.rfc3339(),
        "actor" => entry.actor.clone(),
        "address" => entry.address.clone(),
        "action" => entry.action.clone(),
        "subject" => entry.subject.clone(),
        "before" => entry.before.clone().unwrap_or_default(),
        "after" => entry.after.clone().unwrap_or_default(),
        "outcome" => entry.outcome.name().into(),
        "request" => entry.request.clone(),
        _ => String::new(),
    }
}

/// A line of CSV. A cell that a spreadsheet would run as a formula gets an apostrophe before it.
pub fn line(cells: &[String]) -> String {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let safe = cells.iter().map(|cell| {
        let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
        if formula { format!("'{cell}") } else { cell.clone() }
    });
    writer.write_record(safe).expect("a vector takes every line");
    let bytes = writer.into_inner().expect("a vector can be flushed");
    String::from_utf8(bytes).expect("strings in, strings out")
}

/// A failure in the middle must not look like the end of the file: it is written as the last line.
fn csv(name: &str, head: String, rows: impl Stream<Item = Result<String, AppError>> + Send + 'static) -> Response {
    use futures::StreamExt;
    let failed = |error: AppError| line(&[format!("This export is not complete: {error}")]);
    let body = stream::once(async { Ok(head) }).chain(rows).map(move |part| Ok::<_, Infallible>(part.unwrap_or_else(failed)));
    let mut response = Body::from_stream(body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_commas_and_formulas_are_safe() {
        let cells = ["a,b", "say \"hi\"", "=HYPERLINK(\"x\")", "-1", "@x", "plain"].map(String::from);
        assert_eq!(line(&cells), "\"a,b\",\"say \"\"hi\"\"\",\"'=HYPERLINK(\"\"x\"\")\",'-1,'@x,plain\r\n");
    }
}
