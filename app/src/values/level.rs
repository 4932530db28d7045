//! How much a person must do before the panel acts. Each operation declares its level; the dialog and the server both obey it.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Level {
    /// Reads, or changes nothing that another person sees.
    L0,
    /// Confirm: the dialog names the thing and the consequence.
    L1,
    /// The plan is shown and the person types the thing's name.
    L2,
    /// As L2, and the person proves who they are again.
    L3,
}
