//! Faults of one machine: ended, frozen, full, or with another's identity.

use super::Scene;
use crate::{
    lab::control::{self, Answer, Request, State, ask_host},
    process,
};
use std::{
    fs,
    io::{ErrorKind, Write},
    path::PathBuf,
    time::{Duration, Instant},
};

/// A service is up again, or a machine has booted, well within this.
const REVIVE_MAX: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);
/// Fills the disk; inside the machine.
const FILLER: &str = "/var/lib/filled-by-a-fault";

fn first(scene: &Scene<'_>, machine: &str) -> Result<u32, String> {
    scene.lab.machine_process(machine).ok_or_else(|| format!("{machine} is switched off."))
}

fn ask(first: u32, request: &Request) -> Result<Answer, String> {
    match control::ask_machine(first, request, Duration::from_secs(2)) {
        Ok(Answer::Error(said)) => Err(said),
        Ok(answer) => Ok(answer),
        Err(error) => Err(format!("the machine does not answer ({error}); if it is frozen, heal that first")),
    }
}

fn done(answer: Result<Answer, String>) -> Result<(), String> {
    match answer? {
        Answer::Error(said) => Err(said),
        _ => Ok(()),
    }
}

pub fn kill(scene: &Scene<'_>) -> Result<(), String> {
    let (machine, service) = scene.machine()?;
    match service {
        Some(service) => done(ask(first(scene, &machine.name)?, &Request::Hold { service: service.into() })),
        None => done(ask_host(scene.lab, &Request::Hold { service: machine.name.clone() })),
    }
}

pub fn revive(scene: &Scene<'_>) -> Result<(), String> {
    let (machine, service) = scene.machine()?;
    match service {
        Some(service) => done(ask(first(scene, &machine.name)?, &Request::Release { service: service.into() }))?,
        None => done(ask_host(scene.lab, &Request::Release { service: machine.name.clone() }))?,
    }
    let name = machine.name.clone();
    wait_for(&format!("{} to be up", scene.target), || {
        let Ok(Answer::Services(machines)) = ask_host(scene.lab, &Request::Status) else { return false };
        if !machines.iter().any(|machine| machine.name == name && machine.state == State::Up) {
            return false;
        }
        let Ok(Answer::Services(services)) = first(scene, &name).and_then(|first| ask(first, &Request::Status)) else {
            return false;
        };
        services.iter().filter(|one| service.is_none_or(|service| one.name == service)).all(|one| one.state == State::Up)
    })
}

fn wait_for(what: &str, is_so: impl Fn() -> bool) -> Result<(), String> {
    let give_up = Instant::now() + REVIVE_MAX;
    while !is_so() {
        if Instant::now() > give_up {
            return Err(format!("waited {} s for {what}; wirecenter lab status says what is missing", REVIVE_MAX.as_secs()));
        }
        std::thread::sleep(POLL);
    }
    Ok(())
}

/// The processes that are meant, as the real machine numbers them; the machine's first process first, so that it starts nothing new.
fn meant(scene: &Scene<'_>) -> Result<Vec<u32>, String> {
    let (machine, service) = scene.machine()?;
    let first = first(scene, &machine.name)?;
    let Some(service) = service else {
        let mut all = vec![first];
        all.extend(process::namespace_members(first).into_iter().filter(|pid| *pid != first));
        return Ok(all);
    };
    let Answer::Services(services) = ask(first, &Request::Status)? else { return Err("the machine gave no list".into()) };
    let names = || services.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", ");
    let found = services
        .iter()
        .find(|one| one.name == service)
        .ok_or_else(|| format!("{} runs no {service}; it runs: {}.", machine.name, names()))?;
    let inner = found.pid.ok_or_else(|| format!("{service} of {} does not run.", machine.name))?;
    let main = process::numbered_inside(first, inner).ok_or_else(|| format!("{service} of {} is gone.", machine.name))?;
    let mut all = vec![main];
    all.extend(process::Processes::look().descendants(main));
    Ok(all)
}

pub fn freeze(scene: &Scene<'_>) -> Result<(), String> {
    // Twice: what was born between the look and the signal is caught by the second.
    for _ in 0..2 {
        meant(scene)?.into_iter().for_each(process::freeze);
    }
    Ok(())
}

pub fn thaw(scene: &Scene<'_>) -> Result<(), String> {
    match meant(scene) {
        Ok(all) => all.into_iter().for_each(process::thaw),
        // Switched off meanwhile: whatever boots next is not frozen.
        Err(_) if first(scene, &scene.machine()?.0.name).is_err() => {}
        Err(said) => return Err(said),
    }
    Ok(())
}

fn inner(scene: &Scene<'_>, path: &str) -> Result<PathBuf, String> {
    let name = &scene.machine()?.0.name;
    scene.lab.inside(name, path).ok_or_else(|| format!("{name} is switched off."))
}

pub fn fill_disk(scene: &Scene<'_>) -> Result<(), String> {
    let path = inner(scene, FILLER)?;
    let failed = |error: std::io::Error| format!("{FILLER}: {error}");
    let mut file = fs::File::options().create(true).append(true).open(path).map_err(failed)?;
    // Ever smaller pieces, to the last byte that fits.
    for size in [1 << 20, 1 << 12, 1] {
        let piece = vec![0_u8; size];
        loop {
            match file.write_all(&piece) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(error) => return Err(failed(error)),
            }
        }
    }
    Ok(())
}

pub fn empty_disk(scene: &Scene<'_>) -> Result<(), String> {
    match fs::remove_file(inner(scene, FILLER)?) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(format!("{FILLER}: {error}")),
        _ => Ok(()),
    }
}

pub fn copy_machine_id(scene: &Scene<'_>) -> Result<(), String> {
    let (machine, part) = scene.machine()?;
    let sibling = scene.inventory.of_role(machine.role).find(|other| other.name != machine.name);
    let (None, Some(sibling)) = (part, sibling) else {
        return Err(format!("{:?} cannot be the target: name a machine that has another of its role.", scene.target));
    };
    let theirs = scene.lab.inside(&sibling.name, "/etc/machine-id").ok_or_else(|| format!("{} is switched off.", sibling.name))?;
    let failed = |error: std::io::Error| format!("/etc/machine-id: {error}");
    fs::write(inner(scene, "/etc/machine-id")?, fs::read(theirs).map_err(failed)?).map_err(failed)
}

pub fn restore_machine_id(scene: &Scene<'_>) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("/etc/machine-id: {error}");
    let own = fs::read(inner(scene, "/var/lib/machine-id-of-disk")?).map_err(failed)?;
    fs::write(inner(scene, "/etc/machine-id")?, own).map_err(failed)
}
