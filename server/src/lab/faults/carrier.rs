//! Faults of a carrier: what its phone does with every call, whatever the call asked for.

use super::Scene;
use crate::lab::phone::control::{Behavior, Request};
use app::fleet::inventory::Role;

pub fn silence(scene: &Scene<'_>) -> Result<(), String> {
    behave(scene, Some(Behavior::Silent {}))
}

pub fn answer_503(scene: &Scene<'_>) -> Result<(), String> {
    behave(scene, Some(Behavior::Reject { status: 503, after_ms: 0 }))
}

/// Which of two faults of the same carrier was healed does not matter: the other, if it is listed, is made again.
pub fn restore(scene: &Scene<'_>) -> Result<(), String> {
    behave(scene, None)
}

fn behave(scene: &Scene<'_>, default: Option<Behavior>) -> Result<(), String> {
    let carrier = scene.machine_of(Role::Carrier)?;
    crate::lab::phone_line::tell(scene.lab, &carrier.name, &Request::Behave { default })
}
