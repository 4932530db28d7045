//! The nodes of the database cluster, side by side.

use super::{
    operate::{on_clusters, on_members},
    rehearsed::last_rehearsals,
    sheet_live::{SheetLive, Source},
};
use crate::{
    error::AppError,
    fleet::{inventory::Role, networks_api::get_databases},
    shell::PageView,
};
use leptos::prelude::*;

pub async fn page() -> Result<PageView, AppError> {
    let sheet = get_databases().await?;
    let rehearsed = last_rehearsals().await;
    let body = view! {
        <SheetLive source=Source::Databases initial=sheet/>
        {rehearsed}
    };
    let actions = view! { {on_clusters(Role::Mariadb)} {on_members(Role::Mariadb)} };
    Ok(PageView::new("Databases", body).lead("Roles, replication, and what a failover would lose now.").actions(actions))
}
