//! All networks, with the proof of their isolation.

use super::sheet_live::{SheetLive, Source};
use crate::{error::AppError, fleet::networks_api::get_networks, shell::PageView};
use leptos::prelude::*;

pub async fn page() -> Result<PageView, AppError> {
    let sheet = get_networks().await?;
    let body = view! { <SheetLive source=Source::Networks initial=sheet/> };
    Ok(PageView::new("Networks", body).lead("Proved from what hypervisors, machines and large packets show."))
}
