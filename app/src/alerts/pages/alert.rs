//! One alert.

use crate::{error::AppError, shell::PageView};

pub async fn page(_id: crate::values::AlertId) -> Result<PageView, AppError> {
    Ok(PageView::new("Alert", ()))
}
