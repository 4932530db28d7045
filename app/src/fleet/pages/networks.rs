//! All networks, with the proof of their isolation.

use crate::{error::AppError, shell::PageView};

pub async fn page() -> Result<PageView, AppError> {
    Ok(PageView::new("Networks", ()))
}
