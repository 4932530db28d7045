//! One machine.

use crate::{error::AppError, shell::PageView};

pub async fn page(_name: &str) -> Result<PageView, AppError> {
    Ok(PageView::new("Machine", ()))
}
