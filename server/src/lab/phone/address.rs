//! Addresses in SIP headers: lists of them, their parameters, the user and the place to send to.

use std::net::{IpAddr, SocketAddr};

/// Where SIP is spoken when a URI names no port.
const PORT_DEFAULT: u16 = 5060;

/// Splits at the commas that are neither in quotes nor in angle brackets.
pub fn split_list(value: &str) -> Vec<&str> {
    let mut parts = Vec::with_capacity(2);
    let (mut from, mut quoted, mut escaped, mut deep) = (0, false, false, false);
    for (at, byte) in value.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'<' if !quoted => deep = true,
            b'>' if !quoted => deep = false,
            b',' if !quoted && !deep => {
                parts.push(value.get(from..at).unwrap_or_default().trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(value.get(from..).unwrap_or_default().trim());
    parts.retain(|part| !part.is_empty());
    parts
}

/// The URI of `"Name" <uri>;tag=x`, or of the form without brackets.
pub fn uri_of(value: &str) -> &str {
    let value = after_name(value);
    match value.strip_prefix('<') {
        Some(inner) => inner.split('>').next().unwrap_or_default().trim(),
        None => value.split(';').next().unwrap_or_default().trim(),
    }
}

/// A parameter of the header itself, not of the URI in its brackets. One without a value is "".
pub fn param<'v>(value: &'v str, name: &str) -> Option<&'v str> {
    let value = after_name(value);
    let rest = match value.starts_with('<') {
        true => value.split_once('>').map_or("", |(_, rest)| rest),
        false => value,
    };
    rest.split(';').skip(1).find_map(|part| {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// Skips the display name, in which a bracket may stand when it is quoted.
fn after_name(value: &str) -> &str {
    let value = value.trim_start();
    let mut quoted = false;
    let mut escaped = false;
    for (at, byte) in value.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'<' if !quoted => return value.get(at..).unwrap_or_default(),
            _ => {}
        }
    }
    value
}

/// The telephone number or name before the @, without the parameters some put there.
pub fn user_of(uri: &str) -> &str {
    let (scheme, rest) = uri.split_once(':').unwrap_or(("", uri));
    let user = match scheme.eq_ignore_ascii_case("tel") {
        true => rest,
        false => rest.split_once('@').map_or("", |(user, _)| user),
    };
    user.split([';', ':']).next().unwrap_or_default()
}

/// The host of a URI, without the port.
pub fn host_of(uri: &str) -> &str {
    let place = place_of(uri);
    match place.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or_default(),
        None => place.split(':').next().unwrap_or_default(),
    }
}

/// Where to send what is addressed to this URI. Names are not looked up: in the laboratory everything has a number.
pub fn socket_of(uri: &str) -> Option<SocketAddr> {
    parse_place(place_of(uri))
}

/// `10.0.0.1`, `10.0.0.1:5080`, `[2001:db8::1]:5060`.
pub fn parse_place(place: &str) -> Option<SocketAddr> {
    let bare = |text: &str| text.trim_matches(['[', ']']).parse::<IpAddr>().ok();
    place.parse().ok().or_else(|| bare(place).map(|ip| SocketAddr::new(ip, PORT_DEFAULT)))
}

fn place_of(uri: &str) -> &str {
    let rest = uri.split_once(':').map_or(uri, |(_, rest)| rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    rest.split([';', '?', '>']).next().unwrap_or_default()
}

/// Numbers are compared without the plus and without what people write between the digits.
pub fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_double_record_route_on_one_line_is_two_routes() {
        let routes = split_list("<sip:10.0.0.1;lr;ftag=1,2>, \"a,\\\"b\" <sip:192.0.2.1:5080;lr>");
        assert_eq!(routes.len(), 2);
        assert_eq!(socket_of(uri_of(routes[1])), Some("192.0.2.1:5080".parse().unwrap()));
        assert_eq!(socket_of(uri_of(routes[0])), Some("10.0.0.1:5060".parse().unwrap()));
    }

    #[test]
    fn the_tag_is_of_the_header_and_the_user_has_no_parameters() {
        let from = "\"<odd>\" <sip:+4420;npdi@10.0.0.1;tag=wrong>;tag=right";
        assert_eq!(param(from, "tag"), Some("right"));
        assert_eq!(user_of(uri_of(from)), "+4420");
        assert_eq!(param("SIP/2.0/UDP 10.0.0.1;rport;branch=z9", "rport"), Some(""));
        assert_eq!(host_of("sip:x@[2001:db8::1]:5060;lr"), "2001:db8::1");
        assert_eq!(user_of("tel:+1212;phone-context=x"), "+1212");
    }
}
