//! What the search field finds: pages, users, and rows of the audit log; each only for whoever may see it.

use crate::{
    auth::api::{audit::list_audit, users::list_users},
    context,
    error::AppError,
    routes::Page,
    shell::{PageView, palette::PaletteEntry},
    ui::{Badge, Empty},
    values::Query,
};
use leptos::prelude::*;

pub async fn page() -> Result<PageView, AppError> {
    let request = context::request();
    let typed = request.query.get("q").unwrap_or_default().to_string();
    let pages: Vec<(Page, PaletteEntry)> = Page::list(request.door)
        .into_iter()
        .filter(|page| page.access().allows(request.who.as_ref()).is_ok())
        .filter_map(|page| {
            let item = page.menu(request.door)?;
            let entry = PaletteEntry { title: item.title.into(), about: item.about.into(), href: page.path(), key: Some(item.key) };
            entry.matches(&typed).then_some((page, entry))
        })
        .collect();
    let query = Query::default().with("q", typed.as_str());
    let asked = query.link("").trim_start_matches('?').to_string();
    let allowed = |page: &Page| !typed.is_empty() && page.access().allows(request.who.as_ref()).is_ok();
    let users = if allowed(&Page::Users) { list_users(asked.clone()).await?.users } else { Vec::new() };
    let rows = if allowed(&Page::Audit) { list_audit(asked).await?.entries.len() } else { 0 };
    let nothing = pages.is_empty() && users.is_empty() && rows == 0;
    let page_items = pages.into_iter().map(|(_, entry)| {
        view! { <li><a href=entry.href>{entry.title}</a> <span class="quiet">" page: " {entry.about}</span></li> }
    });
    let user_items = users.into_iter().take(20).map(|user| {
        view! {
            <li>
                <a href=Page::User(user.id).path()>{user.name}</a>
                <span class="quiet">" user, " {user.role.name()} " "</span>
                <Badge tone=user.state.tone() word=user.state.name()/>
            </li>
        }
    });
    let log = (rows > 0).then(|| {
        view! { <li><a href=query.link(&Page::Audit.path())>"Audit log"</a> <span class="quiet">" rows that mention it"</span></li> }
    });
    let body = view! {
        <section class="panel">
            {if nothing {
                view! {
                    <Empty
                        what=format!("Nothing was found for “{typed}”.")
                        next="Try fewer letters. Pages are found by their name, users by a part of theirs, the log by anything in it."
                    />
                }
                    .into_any()
            } else {
                view! { <ul class="found">{page_items.collect_view()} {user_items.collect_view()} {log}</ul> }.into_any()
            }}
        </section>
    };
    Ok(PageView::new("Search", body).lead(format!("For “{typed}”.")))
}
