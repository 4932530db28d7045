//! One call, from the first message to its CDR.

use crate::{error::AppError, shell::PageView};

pub async fn page(_reference: &str) -> Result<PageView, AppError> {
    Ok(PageView::new("Call", ()))
}
