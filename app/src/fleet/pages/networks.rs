//! All networks, with the proof of their isolation.

use super::{
    operate::on_clusters,
    sheet_live::{SheetLive, Source},
};
use crate::{
    error::AppError,
    fleet::{inventory::Role, networks_api::get_networks},
    shell::PageView,
};
use leptos::prelude::*;

pub async fn page() -> Result<PageView, AppError> {
    let sheet = get_networks().await?;
    let body = view! { <SheetLive source=Source::Networks initial=sheet/> };
    let lead = "Proved from what hypervisors, machines and large packets show.";
    Ok(PageView::new("Networks", body).lead(lead).actions(on_clusters(Role::Kamailio)))
}
