//! The pages of operations. The server draws them, and draws the pieces anew that change while one looks.

pub mod confirm;
pub mod links;
pub mod list;
pub mod operation;
mod plan_view;
mod settings_form;
