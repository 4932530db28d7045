//! Reads what [look.sh](look.sh) printed. A part the machine does not have is left out; a part that is not what it should be is refused.

use super::pins::PublicKey;
use app::fleet::facts::{Card, DiskUse, ShellFacts};
use serde::Deserialize;
use std::net::Ipv4Addr;

/// One look: what it told, and what only two looks together mean.
#[derive(Debug, PartialEq)]
pub struct Look {
    pub facts: ShellFacts,
    /// The machine's clock at the look, in nanoseconds since 1970.
    pub clock_ns: Option<i128>,
    pub processors: Option<Processors>,
}

/// Time all processors spent since the machine's start, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Processors {
    all: u64,
    idle: u64,
}

impl Processors {
    /// How busy they were since the look before; unknown when the counters began anew in between.
    pub fn percent_since(self, before: Self) -> Option<f32> {
        let all = self.all.checked_sub(before.all).filter(|ticks| *ticks > 0)?;
        let idle = self.idle.checked_sub(before.idle)?.min(all);
        Some((all - idle) as f32 * 100.0 / all as f32)
    }
}

/// What failed, as the end of a sentence.
pub fn parse(text: &str) -> Result<Look, String> {
    // A login script may print a greeting before.
    let mut lines = text.lines().skip_while(|line| !line.starts_with("wirecenter-look "));
    let head = lines.next().ok_or_else(|| format!("the machine did not answer what was asked, but {:?}", beginning(text)))?;
    let clock_ns = match head.strip_prefix("wirecenter-look 1 ") {
        // A `date` without nanoseconds leaves the letter or nothing.
        Some(at) if at.len() >= 19 => Some(at.parse().map_err(|_| format!("{:?} is not a time", beginning(at)))?),
        Some(_) => None,
        None => return Err(format!("{:?} is not an answer this version understands", beginning(head))),
    };
    let mut look = Look { facts: ShellFacts::default(), clock_ns, processors: None };
    for line in lines {
        if line == "end" {
            return Ok(look);
        }
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        take(&mut look, key, value.trim()).ok_or_else(|| format!("{:?} is not what {key:?} looks like", beginning(line)))?;
    }
    Err("the answer was cut off".into())
}

fn beginning(text: &str) -> String {
    text.trim().chars().take(60).collect()
}

/// `None` where a value is not what it should be.
fn take(look: &mut Look, key: &str, value: &str) -> Option<()> {
    let facts = &mut look.facts;
    match key {
        "hostname" => facts.hostname = word(value)?,
        "machine-id" => {
            facts.machine_id = Some(value).filter(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()))?.into();
        }
        "kernel" => facts.kernel = word(value)?,
        "uptime" => facts.uptime_s = value.split(['.', ' ']).next()?.parse().ok()?,
        "load" => {
            let mut each = value.split(' ').map(|load| load.parse::<f32>().ok().filter(|load| load.is_finite() && *load >= 0.0));
            facts.load = [each.next()??, each.next()??, each.next()??];
        }
        "cpus" => facts.cpus = count(value)?,
        "stat" => look.processors = Some(processors(value)?),
        "host-key" => facts.host_keys.push(PublicKey::parse(value)?.named()),
        "memory" => {
            let mut words = value.split_whitespace();
            let (name, kib) = (words.next()?, words.next()?.parse::<u64>().ok()?);
            let bytes = kib.checked_mul(1_024)?;
            if name == "MemTotal:" { facts.memory_total_bytes = bytes } else { facts.memory_available_bytes = bytes }
        }
        "cards" if value.is_empty() => {}
        "cards" => facts.cards = cards(value)?,
        "card" => facts.cards.extend(card(value)?),
        "disk" => facts.disks.extend(disk(value)?),
        "" => {}
        _ => return None,
    }
    Some(())
}

fn word(value: &str) -> Option<String> {
    let fits = !value.is_empty() && value.len() <= 255 && value.chars().all(|c| c.is_ascii_graphic());
    fits.then(|| value.to_string())
}

/// `0-3,8` is five.
fn count(ranges: &str) -> Option<u32> {
    let one = |range: &str| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        last.parse::<u32>().ok()?.checked_sub(first.parse().ok()?)?.checked_add(1)
    };
    ranges.split(',').try_fold(0_u32, |sum, range| sum.checked_add(one(range)?))
}

/// `cpu  user nice system idle iowait irq softirq steal guest guest_nice`; a guest's time is in the user's already.
fn processors(line: &str) -> Option<Processors> {
    let ticks: Vec<u64> = line.strip_prefix("cpu ")?.split_whitespace().take(8).map(|t| t.parse().ok()).collect::<Option<_>>()?;
    let all = ticks.iter().try_fold(0_u64, |sum, ticks| sum.checked_add(*ticks))?;
    Some(Processors { all, idle: ticks.get(3)?.checked_add(*ticks.get(4).unwrap_or(&0))? })
}

/// `kind KiB free mount`: those that can fill up and hurt. What the kernel makes up, and memory that stands for no disk, is left out.
fn disk(value: &str) -> Option<Option<DiskUse>> {
    let mut words = value.splitn(4, ' ');
    let (kind, size, free) = (words.next()?, words.next()?.parse::<u64>().ok()?, words.next()?.parse::<u64>().ok()?);
    let mount = words.next()?;
    let made_up = ["devtmpfs", "squashfs", "efivarfs", "iso9660", "ramfs"].contains(&kind);
    let is_disk = kind != "tmpfs" || mount == "/" || mount == "/var" || mount.starts_with("/var/");
    let counts = is_disk && !made_up && size > 0;
    let disk = DiskUse { mount: mount.into(), size_bytes: size.checked_mul(1_024)?, free_bytes: free.checked_mul(1_024)? };
    Some(counts.then_some(disk))
}

#[derive(Deserialize)]
struct IpLink {
    ifname: String,
    #[serde(default)]
    address: String,
    mtu: u32,
    #[serde(default)]
    operstate: String,
    #[serde(default)]
    flags: Vec<String>,
    #[serde(default)]
    addr_info: Vec<IpAddress>,
}

#[derive(Deserialize)]
struct IpAddress {
    family: String,
    #[serde(default)]
    local: String,
    #[serde(default)]
    prefixlen: u8,
}

/// `ip -j addr`.
fn cards(json: &str) -> Option<Vec<Card>> {
    let links: Vec<IpLink> = serde_json::from_str(json).ok()?;
    let card = |link: IpLink| {
        let address = |a: IpAddress| Some((a.local.parse::<Ipv4Addr>().ok()?, a.prefixlen));
        let addresses = link.addr_info.into_iter().filter(|a| a.family == "inet").filter_map(address).collect();
        let up = link.operstate == "UP" || link.operstate == "UNKNOWN" && link.flags.iter().any(|flag| flag == "UP");
        Card { name: link.ifname, mac: link.address.to_ascii_lowercase(), mtu: link.mtu, up, addresses }
    };
    let is_loopback = |link: &IpLink| link.flags.iter().any(|flag| flag == "LOOPBACK");
    Some(links.into_iter().filter(|link| !is_loopback(link)).map(card).collect())
}

/// `name mac mtu state`, where there is no `ip`: the addresses stay unknown.
fn card(value: &str) -> Option<Option<Card>> {
    let words: Vec<&str> = value.split(' ').collect();
    let [name, mac, mtu, state] = words[..] else { return None };
    let card = Card {
        name: name.into(),
        mac: mac.to_ascii_lowercase(),
        mtu: mtu.parse().ok()?,
        up: state == "up" || state == "unknown",
        addresses: Vec::new(),
    };
    Some((name != "lo").then_some(card))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: &str = "\
wirecenter-look 1 1795374169001657317
hostname asterisk-01
machine-id a370b1683892e4098aace2c2db41027e
kernel 6.18.5
uptime 37402.12 60211.90
load 1.20 1.37 0.83 2/412 991
cpus 0-1
stat cpu  100 0 50 800 50 0 0 0 0 0
host-key ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f
memory MemTotal: 24684084 kB
memory MemAvailable: 12000000 kB
cards [{\"ifname\":\"lo\",\"flags\":[\"LOOPBACK\",\"UP\"],\"mtu\":65536,\"operstate\":\"UNKNOWN\"},{\"ifname\":\"voice\",\"flags\":[\"UP\",\"LOWER_UP\"],\"mtu\":9000,\"operstate\":\"UP\",\"address\":\"62:3A:55:1B:4D:0C\",\"addr_info\":[{\"family\":\"inet\",\"local\":\"10.10.10.21\",\"prefixlen\":24},{\"family\":\"inet6\",\"local\":\"fe80::1\",\"prefixlen\":64}]}]

disk overlay 262144 261680 /
disk tmpfs 262144 65536 /var
disk tmpfs 65536 65528 /run
disk devtmpfs 12334492 12334492 /dev
end
";

    #[test]
    fn a_whole_answer_is_read() {
        let Look { facts, clock_ns, processors } = parse(TOLD).expect("an answer");
        assert_eq!((facts.hostname.as_str(), facts.kernel.as_str(), facts.uptime_s), ("asterisk-01", "6.18.5", 37_402));
        assert_eq!(clock_ns, Some(1_795_374_169_001_657_317));
        assert_eq!((facts.load, facts.cpus), ([1.2, 1.37, 0.83], 2));
        assert_eq!(facts.memory_available_bytes, 12_000_000 * 1_024);
        assert_eq!(
            facts.disks.iter().map(|disk| (disk.mount.as_str(), disk.used_percent())).collect::<Vec<_>>(),
            [("/", 0), ("/var", 75)]
        );
        let card = Card {
            name: "voice".into(),
            mac: "62:3a:55:1b:4d:0c".into(),
            mtu: 9_000,
            up: true,
            addresses: vec![(Ipv4Addr::new(10, 10, 10, 21), 24)],
        };
        assert_eq!(facts.cards, [card]);
        assert_eq!(facts.host_keys[0].kind, "ssh-ed25519");
        assert!(facts.host_keys[0].fingerprint.starts_with("SHA256:"));
        assert_eq!(processors, Some(Processors { all: 1_000, idle: 850 }));
    }

    #[test]
    fn what_a_machine_lacks_is_left_out() {
        let look =
            parse("Welcome!\nwirecenter-look 1 1795374169N\nhostname box\ncards \ncard eth0 62:3a:55:1b:4d:0c 1500 up\nend\n")
                .expect("an answer");
        assert_eq!((look.clock_ns, look.processors), (None, None));
        assert_eq!((look.facts.cards.len(), look.facts.cards[0].mtu, look.facts.disks.len()), (1, 1_500, 0));
        assert_eq!(look.facts.machine_id, "");
    }

    #[test]
    fn garbage_and_a_cut_answer_are_refused() {
        assert!(parse("").expect_err("nothing").contains("did not answer"));
        assert!(parse("This account is currently not available.").expect_err("a greeting").contains("not available"));
        assert!(parse("wirecenter-look 2 17").expect_err("another version").contains("version"));
        for length in (0..TOLD.len() - 1).step_by(7) {
            assert!(parse(&TOLD[..length]).is_err(), "cut at {length}");
        }
        for line in [
            "machine-id x",
            "uptime soon",
            "load 1 2",
            "load nan 1 1",
            "cpus 3-1",
            "stat intr 5",
            "memory MemTotal: all",
            "cards [{",
            "disk / /",
            "secret 1",
            "hostname a\u{1b}[2Jb",
        ] {
            let said = parse(&format!("wirecenter-look 1 1795374169001657317\n{line}\nend\n")).expect_err(line);
            assert!(said.contains("looks like"), "{said}");
        }
    }

    #[test]
    fn two_looks_tell_how_busy_the_processors_were() {
        let (before, now) = (Processors { all: 1_000, idle: 800 }, Processors { all: 1_200, idle: 950 });
        assert_eq!(now.percent_since(before), Some(25.0));
        assert_eq!(before.percent_since(now), None, "the machine started anew");
        assert_eq!(now.percent_since(now), None, "no time has gone by");
    }
}
