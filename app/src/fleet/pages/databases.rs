//! The nodes of the database cluster, side by side.

use super::sheet_live::{SheetLive, Source};
use crate::{error::AppError, fleet::networks_api::get_databases, shell::PageView};
use leptos::prelude::*;

pub async fn page() -> Result<PageView, AppError> {
    let sheet = get_databases().await?;
    let body = view! { <SheetLive source=Source::Databases initial=sheet/> };
    Ok(PageView::new("Databases", body).lead("Roles, replication, and what a failover would lose now."))
}
