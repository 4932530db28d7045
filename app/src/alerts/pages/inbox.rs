//! The inbox.

use crate::{error::AppError, shell::PageView};

pub async fn page() -> Result<PageView, AppError> {
    Ok(PageView::new("Alerts", ()))
}
