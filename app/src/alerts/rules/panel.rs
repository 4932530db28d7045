//! The panel that reaches almost nobody: then it is the panel, and nothing else is said.

use crate::alerts::{
    rule::{Observations, Symptom},
    subject::{Severity, Subject},
};

pub fn blind(seen: &Observations<'_>) -> Option<Symptom> {
    let since = seen.blind_since?;
    let ours: Vec<&str> = seen.inventory.machines.iter().filter(|m| m.role.is_ours()).map(|m| m.name.as_str()).collect();
    let sentence = "The panel reaches almost none of the machines: it is probably the panel that is cut off. Check its network \
                    before anything else; the state of everything is unknown meanwhile.";
    let failing = |name: &&str| {
        let machine = seen.world.machines.get(*name)?;
        let whys = [
            machine.shell.as_ref().and_then(|seen| seen.failing.as_ref()),
            machine.sip.as_ref().and_then(|seen| seen.failing.as_ref()),
            machine.proxy.as_ref().and_then(|seen| seen.failing.as_ref()),
            machine.pbx.as_ref().and_then(|seen| seen.failing.as_ref()),
            machine.database.as_ref().and_then(|seen| seen.failing.as_ref()),
        ];
        whys.into_iter().flatten().next().map(|failing| failing.why.clone())
    };
    let mut symptom =
        Symptom::new("panel.blind", Subject::panel(), Severity::Bad, sentence).evidence(ours.iter().filter_map(failing));
    symptom.since = Some(since);
    Some(symptom)
}
