//! Calls that are over.

use crate::{error::AppError, shell::PageView};

pub async fn page() -> Result<PageView, AppError> {
    Ok(PageView::new("CDRs", ()))
}
