//! The certificate that a TLS endpoint presents.

use crate::values::Moment;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateFacts {
    pub valid_from: Moment,
    pub valid_until: Moment,
    /// The names and addresses it is for.
    pub names: Vec<String>,
    pub issuer: String,
    /// Whether the name its users ask for is among them; also `true` where no name is asked for.
    pub is_for_name: bool,
}
