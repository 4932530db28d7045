//! Reads what [probe.sh](probe.sh) printed: the words of `ping` and `arping`.

use app::{
    fleet::facts::{ArpAnswer, PairPing},
    values::PortErrorKind,
};
use std::{collections::BTreeMap, net::Ipv4Addr};

/// Of an IPv4 packet: its own header and that of ICMP.
pub const HEADERS_BYTES: u32 = 28;

pub type Failure = (PortErrorKind, String);

/// What one program did about one address.
struct Tried {
    code: i32,
    words: String,
}

/// By what was tried and on which address.
struct Answer(BTreeMap<(String, Ipv4Addr), Tried>);

pub struct Probed {
    pub pings: Vec<PairPing>,
    pub answers: Vec<ArpAnswer>,
}

/// In the order of what was asked.
pub fn parse(
    text: &str,
    from: &str,
    size_bytes: u32,
    peers: &[(String, Ipv4Addr)],
    addresses: &[Ipv4Addr],
) -> Result<Probed, Failure> {
    let answer = Answer::read(text)?;
    let pings = peers.iter().map(|(to, address)| ping(&answer, from, size_bytes, to, *address)).collect::<Result<Vec<_>, _>>()?;
    let mut answers = Vec::new();
    let mut refused = None;
    for address in addresses {
        match arp(answer.of("arp", *address)?) {
            Ok(macs) => answers.push(ArpAnswer { address: *address, macs }),
            // A card that is down is told by the pings as well; who answers there stays unknown.
            Err(said) => refused = Some(said),
        }
    }
    match refused {
        Some(said) if answers.is_empty() && pings.is_empty() => Err((PortErrorKind::Failed, said)),
        _ => Ok(Probed { pings, answers }),
    }
}

impl Answer {
    fn read(text: &str) -> Result<Self, Failure> {
        let garbage = |said: &str| (PortErrorKind::Garbage, said.to_string());
        let mut lines = text.lines().skip_while(|line| *line != "wirecenter-probe 1").skip(1);
        let mut tried = BTreeMap::new();
        loop {
            let line = lines.next().ok_or_else(|| garbage("the answer was cut off"))?;
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["end"] => return Ok(Self(tried)),
                ["missing", program, package] => {
                    let said = format!("{program} is not installed there. Install {package}.");
                    return Err((PortErrorKind::NotConfigured, said));
                }
                [what, address, code] => {
                    let (Ok(address), Ok(code)) = (address.parse(), code.parse()) else {
                        return Err(garbage(&format!("{line:?} is not an answer to what was asked")));
                    };
                    let words: Vec<&str> = lines.by_ref().take_while(|line| *line != ".").collect();
                    tried.insert((what.to_string(), address), Tried { code, words: words.join("\n") });
                }
                _ => return Err(garbage(&format!("{line:?} is not an answer to what was asked"))),
            }
        }
    }

    fn of(&self, what: &str, address: Ipv4Addr) -> Result<&Tried, Failure> {
        let silent = || (PortErrorKind::Garbage, format!("nothing was told about {what} {address}"));
        self.0.get(&(what.to_string(), address)).ok_or_else(silent)
    }
}

fn ping(answer: &Answer, from: &str, size_bytes: u32, to: &str, address: Ipv4Addr) -> Result<PairPing, Failure> {
    let tried = answer.of("ping", address)?;
    if ["option", "Usage:", "usage:"].iter().any(|word| tried.words.contains(word)) {
        let said = "its ping cannot send a packet that must not be divided. Install iputils-ping.".to_string();
        return Err((PortErrorKind::NotConfigured, said));
    }
    let round_trip_ms = tried.words.split_once("time=").and_then(|(_, rest)| rest.split([' ', '\n']).next()?.parse().ok());
    let answered = tried.code == 0 && round_trip_ms.is_some();
    let said = (!answered).then(|| why_silent(&tried.words));
    let small_answered = answer.of("small", address).ok().map(|tried| tried.code == 0);
    Ok(PairPing { from: from.into(), to: to.into(), size_bytes, answered, said, small_answered, round_trip_ms })
}

/// The one line of ping's that says why; it says nothing where simply nobody answered.
fn why_silent(words: &str) -> String {
    let told = words.lines().find_map(|line| {
        // `ping: local error: message too long, mtu=1500`, `From 10.0.0.1 icmp_seq=1 Frag needed and DF set (mtu = 1500)`
        let local = line.strip_prefix("ping: ").map(|said| said.strip_prefix("local error: ").unwrap_or(said));
        let remote = || line.starts_with("From ").then(|| line.split_once("icmp_seq=1 ").map_or(line, |(_, said)| said));
        // "Warning: source address might be selected on device other than …" is no reason.
        local.or_else(remote).filter(|said| !said.starts_with("Warning"))
    });
    told.map_or_else(|| "no answer within 1 s".into(), |said| said.trim().chars().take(120).collect())
}

/// Each card that answered, once, in the order of its first answer.
fn arp(tried: &Tried) -> Result<Vec<String>, String> {
    if !tried.words.contains("response(s)") {
        let said = tried.words.lines().next().unwrap_or("arping said nothing").trim();
        return Err(said.chars().take(120).collect());
    }
    let mut macs: Vec<String> = Vec::new();
    for line in tried.words.lines().filter(|line| line.contains("reply from ")) {
        let mac = line.split_once('[').and_then(|(_, rest)| rest.split(']').next());
        let mac = mac.filter(|mac| mac.len() == 17).map(str::to_ascii_lowercase);
        macs.extend(mac.filter(|mac| !macs.contains(mac)));
    }
    Ok(macs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: Ipv4Addr = Ipv4Addr::new(10, 10, 10, 22);

    fn pinged(said: &str, code: i32) -> Result<PairPing, Failure> {
        let text = format!("wirecenter-probe 1\nping {PEER} {code}\n{said}\n.\nend\n");
        parse(&text, "asterisk-01", 9_000, &[("asterisk-02".into(), PEER)], &[]).map(|probed| probed.pings[0].clone())
    }

    fn asked(said: &str, code: i32) -> Result<Vec<String>, Failure> {
        let text = format!("wirecenter-probe 1\narp {PEER} {code}\n{said}\n.\nend\n");
        parse(&text, "asterisk-01", 9_000, &[], &[PEER]).map(|probed| probed.answers[0].macs.clone())
    }

    #[test]
    fn a_ping_that_comes_back_tells_its_round_trip() {
        let ping = pinged(
            "PING 10.10.10.22 (10.10.10.22) 8972(9000) bytes of data.\n8980 bytes from 10.10.10.22: icmp_seq=1 ttl=64 time=0.142 ms\n\n1 packets transmitted, 1 received, 0% packet loss, time 0ms",
            0,
        );
        let ping = ping.expect("an answer");
        assert_eq!((ping.answered, ping.round_trip_ms, ping.said), (true, Some(0.142), None));
        assert_eq!((ping.from.as_str(), ping.to.as_str(), ping.size_bytes), ("asterisk-01", "asterisk-02", 9_000));
    }

    #[test]
    fn a_ping_that_does_not_says_why() {
        for (said, code, why) in [
            (
                "PING 10.10.10.22 8972(9000) bytes of data.\nping: local error: message too long, mtu=1500\n\n1 packets transmitted, 0 received, +1 errors",
                1,
                "message too long, mtu=1500",
            ),
            ("From 10.10.10.1 icmp_seq=1 Frag needed and DF set (mtu = 1500)\n", 1, "Frag needed and DF set (mtu = 1500)"),
            ("From 10.10.10.21 icmp_seq=1 Destination Host Unreachable\n", 1, "Destination Host Unreachable"),
            ("ping: SO_BINDTODEVICE voice: No such device", 2, "SO_BINDTODEVICE voice: No such device"),
            (
                "ping: Warning: source address might be selected on device other than: voice\n1 packets transmitted, 0 received",
                1,
                "no answer within 1 s",
            ),
            ("1 packets transmitted, 0 received, 100% packet loss, time 0ms", 1, "no answer within 1 s"),
        ] {
            let ping = pinged(said, code).expect(said);
            assert_eq!((ping.answered, ping.said.as_deref(), ping.round_trip_ms), (false, Some(why), None), "{said}");
        }
    }

    #[test]
    fn where_the_large_packet_is_lost_a_small_one_tells_whether_it_is_the_size() {
        let lost = format!("wirecenter-probe 1\nping {PEER} 1\n1 packets transmitted, 0 received\n.\n");
        for (small, expected) in [("", None), ("small {} 0\ntime=0.1 ms\n.\n", Some(true)), ("small {} 1\n\n.\n", Some(false))] {
            let text = format!("{lost}{}end\n", small.replace("{}", &PEER.to_string()));
            let probed = parse(&text, "a", 9_000, &[("b".into(), PEER)], &[]).expect("an answer");
            assert_eq!((probed.pings[0].answered, probed.pings[0].small_answered), (false, expected), "{small}");
        }
    }

    #[test]
    fn two_cards_for_one_address_are_both_told() {
        let both = "ARPING 10.10.10.22 from 10.10.10.21 voice\nUnicast reply from 10.10.10.22 [62:3A:55:1B:4D:0C]  0.6ms\nUnicast reply from 10.10.10.22 [F2:7B:00:00:00:01]  0.7ms\nUnicast reply from 10.10.10.22 [62:3A:55:1B:4D:0C]  0.6ms\nSent 2 probes (2 broadcast(s))\nReceived 3 response(s)";
        assert_eq!(asked(both, 0).expect("answers"), ["62:3a:55:1b:4d:0c", "f2:7b:00:00:00:01"]);
        assert_eq!(asked("Sent 2 probes (2 broadcast(s))\nReceived 0 response(s)", 1).expect("nobody is an answer"), [""; 0]);
        assert_eq!(
            asked("arping: Device nope not available.", 2),
            Err((PortErrorKind::Failed, "arping: Device nope not available.".into()))
        );
    }

    #[test]
    fn a_missing_program_is_not_silence() {
        let missing = parse("wirecenter-probe 1\nmissing arping iputils-arping\n", "a", 9_000, &[], &[PEER]).err();
        assert_eq!(missing, Some((PortErrorKind::NotConfigured, "arping is not installed there. Install iputils-arping.".into())));
        assert_eq!(pinged("ping: unrecognized option: M\nUsage: ping", 1).expect_err("busybox").0, PortErrorKind::NotConfigured);
    }

    #[test]
    fn garbage_and_a_cut_answer_are_refused() {
        for text in [
            "",
            "hello",
            "wirecenter-probe 1\n",
            "wirecenter-probe 1\nping x 0\n.\nend",
            "wirecenter-probe 1\nend",
            "wirecenter-probe 1\nping 10.10.10.22 0\nwords",
        ] {
            let refused = parse(text, "a", 9_000, &[("b".into(), PEER)], &[]).err();
            assert_eq!(refused.map(|(kind, _)| kind), Some(PortErrorKind::Garbage), "{text}");
        }
    }
}
