//! Leads each address to its page. A page is one file: it asks its server functions and gives the frame a view.

use crate::{
    alerts::{api::list_alerts, pages as alerts, pages::panel::AlertsPanel},
    auth::{
        guards::Access,
        pages as auth,
        role::{Door, Permission},
    },
    calls::pages as calls,
    context,
    error::AppError,
    fleet::pages as fleet,
    operations::pages as operations,
    portal::pages as portal,
    routes::Page,
    shell::PageView,
    system::pages as system,
    ui,
};
use leptos::prelude::*;

pub async fn build(page: &Page) -> Result<PageView, AppError> {
    match page {
        Page::Home if context::request().door == Door::Staff => {
            context::redirect_page(&first_page().path());
            Ok(PageView::new("Wirecenter", ()))
        }
        Page::Home => portal::home::page().await,
        Page::SignIn => auth::sign_in::page().await,
        Page::Code => auth::code::page().await,
        Page::SetUp(token) => auth::setup::page(token).await,
        Page::StepUp => auth::step_up::page().await,
        Page::Profile => auth::profile::page().await,
        Page::Totp => auth::totp::page().await,
        Page::Codes => auth::codes::page().await,
        Page::Map => fleet::map::page(beside_the_map().await?).await,
        Page::Machine(name) => fleet::machine::page(name).await,
        Page::Networks => fleet::networks::page().await,
        Page::Network(name) => fleet::network::page(name).await,
        Page::Databases => fleet::databases::page().await,
        Page::Calls => calls::live::page().await,
        Page::Call(reference) => calls::call::page(reference).await,
        Page::Volume => calls::volume::page().await,
        Page::Cdrs => calls::cdrs::page().await,
        Page::Alerts => alerts::inbox::page().await,
        Page::Alert(id) => alerts::alert::page(*id).await,
        Page::Operations => operations::list::page().await,
        Page::NewOperation => operations::confirm::page().await,
        Page::Operation(id) => operations::operation::page(*id).await,
        Page::System => system::system::page().await,
        Page::Users => auth::users::page().await,
        Page::NewUser => auth::new_user::page().await,
        Page::User(id) => auth::user::page(*id).await,
        Page::Roles => auth::roles::page().await,
        Page::Audit => auth::audit::page().await,
        Page::Search => auth::search::page().await,
        Page::Gallery if context::panel().development => Ok(PageView::new("Gallery", ui::gallery::view())),
        Page::Gallery => Err(AppError::not_found("gallery outside development; start the panel with --development")),
    }
}

/// The first page of the menu this person may open.
fn first_page() -> Page {
    let request = context::request();
    let mut pages = Page::list(request.door).into_iter().filter(|page| page.menu(request.door).is_some());
    pages.find(|page| page.access().allows(request.who.as_ref()).is_ok()).unwrap_or(Page::Profile)
}

/// Beside the map: call volume and alerts, of slices the map knows nothing of. Whoever may not see calls sees the alerts alone.
async fn beside_the_map() -> Result<AnyView, AppError> {
    let may = |permission: Permission| Access::Needs(permission).allows(context::request().who.as_ref()).is_ok();
    let volume = match may(Permission::SeeCalls) {
        true => Some(calls::beside::volume().await),
        false => None,
    };
    let alerts = match may(Permission::SeeAlerts) {
        true => Some(list_alerts(String::new()).await?),
        false => None,
    };
    Ok(view! {
        {volume}
        {alerts.map(|alerts| view! { <AlertsPanel initial=alerts/> })}
    }
    .into_any())
}
