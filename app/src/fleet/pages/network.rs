//! One network: its members, its pairs, the evidence and how it was before.

use super::sheet_live::{SheetLive, Source};
use crate::{error::AppError, fleet::networks_api::get_network, routes::Page, shell::PageView};
use leptos::prelude::*;

pub async fn page(name: &str) -> Result<PageView, AppError> {
    let sheet = get_network(name.into()).await?;
    let body = view! { <SheetLive source=Source::Network(name.into()) initial=sheet/> };
    let actions = view! {
        <a class="button" href=Page::Networks.path()>
            "All networks"
        </a>
    };
    Ok(PageView::new(format!("Network {name}"), body).actions(actions))
}
