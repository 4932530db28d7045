//! The nodes of the database cluster, side by side.

use crate::{error::AppError, shell::PageView};

pub async fn page() -> Result<PageView, AppError> {
    Ok(PageView::new("Databases", ()))
}
