//! Session descriptions: what is offered, what is answered, where the sound goes.

use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};

/// A way to code sound that this endpoint can send. All three have 160 bytes in 20 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Codec {
    #[serde(rename = "PCMU")]
    Pcmu,
    #[serde(rename = "PCMA")]
    Pcma,
    #[serde(rename = "G722")]
    G722,
}

impl Codec {
    pub fn name(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
            Self::G722 => "G722",
        }
    }

    /// The payload type that RFC 3551 gives it for good.
    pub fn payload(self) -> u8 {
        match self {
            Self::Pcmu => 0,
            Self::Pcma => 8,
            Self::G722 => 9,
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Pcmu, Self::Pcma, Self::G722].into_iter().find(|codec| codec.name().eq_ignore_ascii_case(name))
    }
}

/// The digits people press during a call. Offered with every call, as real telephones do.
const TELEPHONE_EVENT: u8 = 101;

/// The one sound stream of a description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound {
    pub address: SocketAddr,
    /// By name and in their order, those we do not know too.
    pub codecs: Vec<String>,
    pub telephone_event: Option<u8>,
    direction: &'static str,
}

impl Sound {
    /// Nothing when there is no sound in it, or no address we can send to.
    pub fn parse(body: &str) -> Option<Self> {
        let mut connection: Option<IpAddr> = None;
        let mut medium: Option<(u16, Vec<u8>)> = None;
        let mut names: Vec<(u8, String)> = Vec::new();
        let mut direction = "sendrecv";
        for line in body.lines().map(str::trim) {
            if let Some(rest) = line.strip_prefix("m=") {
                if medium.is_some() {
                    break;
                }
                medium = Some(parse_medium(rest)?);
            } else if let Some(rest) = line.strip_prefix("c=") {
                connection = rest.split(' ').nth(2).and_then(|ip| ip.split('/').next()?.parse().ok());
            } else if let Some(rest) = line.strip_prefix("a=rtpmap:") {
                names.extend(parse_map(rest));
            } else if let Some(found) = DIRECTIONS.iter().find(|known| line.strip_prefix("a=") == Some(known)) {
                direction = found;
            }
        }
        let (port, payloads) = medium?;
        let name_of = |payload: u8| match names.iter().find(|(number, _)| *number == payload) {
            Some((_, name)) => name.clone(),
            None => static_name(payload).map_or_else(|| payload.to_string(), str::to_owned),
        };
        let is_event = |name: &str| name.eq_ignore_ascii_case("telephone-event");
        let telephone_event = payloads.iter().copied().find(|payload| is_event(&name_of(*payload)));
        let codecs = payloads.iter().map(|payload| name_of(*payload)).filter(|name| !is_event(name)).collect();
        Some(Self { address: SocketAddr::new(connection?, port), codecs, telephone_event, direction })
    }

    /// The first that the other side wants and we can.
    pub fn choose(&self, accepted: &[Codec]) -> Option<Codec> {
        self.codecs.iter().filter_map(|name| Codec::parse(name)).find(|codec| accepted.contains(codec))
    }

    /// What we say to the other side's direction.
    pub fn mirrored(&self) -> &'static str {
        match self.direction {
            "sendonly" => "recvonly",
            "recvonly" => "sendonly",
            other => other,
        }
    }
}

const DIRECTIONS: [&str; 4] = ["sendrecv", "sendonly", "recvonly", "inactive"];

fn parse_medium(rest: &str) -> Option<(u16, Vec<u8>)> {
    let mut words = rest.split_ascii_whitespace();
    if words.next() != Some("audio") {
        return None;
    }
    let port = words.next()?.split('/').next()?.parse().ok().filter(|port| *port != 0)?;
    let payloads = words.skip(1).filter_map(|word| word.parse().ok()).collect();
    Some((port, payloads))
}

fn parse_map(rest: &str) -> Option<(u8, String)> {
    let (payload, name) = rest.split_once(' ')?;
    Some((payload.parse().ok()?, name.split('/').next()?.to_owned()))
}

fn static_name(payload: u8) -> Option<&'static str> {
    Some(match payload {
        0 => "PCMU",
        3 => "GSM",
        8 => "PCMA",
        9 => "G722",
        18 => "G729",
        _ => return None,
    })
}

/// Our side of a session: what stays the same in every description we send in one call.
#[derive(Clone, Debug)]
pub struct Session {
    pub address: SocketAddr,
    pub id: u32,
    /// Counted up with every change, so that the peer sees that there is one.
    pub version: u32,
    /// Ours in order; after the answer only the chosen one.
    pub codecs: Vec<Codec>,
    pub telephone_event: Option<u8>,
    pub direction: &'static str,
}

impl Session {
    pub fn new(address: SocketAddr, id: u32, codecs: Vec<Codec>) -> Self {
        Self { address, id, version: 1, codecs, telephone_event: Some(TELEPHONE_EVENT), direction: "sendrecv" }
    }

    pub fn text(&self) -> String {
        use std::fmt::Write as _;
        let (ip, port, id, version) = (self.address.ip(), self.address.port(), self.id, self.version);
        let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
        let mut text =
            format!("v=0\r\no=- {id} {version} IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP");
        // Writing into a String cannot fail.
        for codec in &self.codecs {
            let _ = write!(text, " {}", codec.payload());
        }
        let _ = self.telephone_event.map(|payload| write!(text, " {payload}"));
        text.push_str("\r\n");
        for codec in &self.codecs {
            let _ = write!(text, "a=rtpmap:{} {}/8000\r\n", codec.payload(), codec.name());
        }
        if let Some(payload) = self.telephone_event {
            let _ = write!(text, "a=rtpmap:{payload} telephone-event/8000\r\na=fmtp:{payload} 0-16\r\n");
        }
        let _ = write!(text, "a=ptime:20\r\na={}\r\n", self.direction);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_offer_we_also_read_and_the_first_common_codec_wins() {
        let session = Session::new("192.0.2.1:20000".parse().unwrap(), 5, vec![Codec::G722, Codec::Pcma, Codec::Pcmu]);
        let sound = Sound::parse(&session.text()).unwrap();
        assert_eq!(sound.codecs, ["G722", "PCMA", "PCMU"]);
        assert_eq!((sound.address, sound.telephone_event), (session.address, Some(101)));
        assert_eq!(sound.choose(&[Codec::Pcmu, Codec::Pcma]), Some(Codec::Pcma));
        assert_eq!(sound.choose(&[]), None);
    }

    #[test]
    fn hold_is_mirrored_and_a_refused_stream_is_none() {
        let hold = "v=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 4000 RTP/AVP 0 18 97\r\nc=IN IP4 10.0.0.2\r\na=sendonly\r\nm=video 1 RTP/AVP 9\r\n";
        let sound = Sound::parse(hold).unwrap();
        assert_eq!((sound.mirrored(), sound.address.to_string().as_str()), ("recvonly", "10.0.0.2:4000"));
        assert_eq!(sound.codecs, ["PCMU", "G729", "97"]);
        assert_eq!(Sound::parse("m=audio 0 RTP/AVP 0\r\nc=IN IP4 1.1.1.1"), None);
        assert_eq!(Sound::parse("nonsense"), None);
    }
}
