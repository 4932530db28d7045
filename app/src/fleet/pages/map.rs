//! The map: what there is, how it is, what flows.

use crate::{error::AppError, shell::PageView};

pub async fn page() -> Result<PageView, AppError> {
    Ok(PageView::new("Map", ()))
}
