//! Plans of what is done to carriers and machines. Each stands here with its steps; the server's `operations/steps` carries them out.

pub mod database;
pub mod offers;
pub mod rehearse;
pub mod switch;
