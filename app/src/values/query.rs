//! The query part of an address: where a page keeps its filter, sort, range and selection, so that a link says it all.

use std::{collections::BTreeMap, fmt::Write as _};

/// Keys and values in the order of their keys; a key that is given twice keeps every value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(BTreeMap<String, Vec<String>>);

impl Query {
    /// Reads `a=1&b=two+words&b=%C3%A9`. Broken escapes are kept as they stand: a query is a person's text, never an error.
    pub fn parse(text: &str) -> Self {
        let mut query = Self::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            query.0.entry(decode(key)).or_default().push(decode(value));
        }
        query
    }

    /// The last value of `key`, trimmed; `None` when it is absent or blank.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|values| values.last()).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    pub fn all(&self, key: &str) -> &[String] {
        self.0.get(key).map_or(&[], Vec::as_slice)
    }

    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|(key, values)| values.iter().map(move |value| (key.as_str(), value.as_str())))
    }

    /// The same query with `key` set to `value` alone.
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.0.insert(key.into(), vec![value.into()]);
        self
    }

    pub fn with_all(mut self, key: &str, values: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.0.insert(key.into(), values.into_iter().map(Into::into).collect());
        self
    }

    pub fn without(mut self, key: &str) -> Self {
        self.0.remove(key);
        self
    }

    /// `path?a=1&b=2`, or `path` alone where the query is empty.
    pub fn link(&self, path: &str) -> String {
        let mut out = path.to_string();
        for (i, (key, value)) in self.pairs().enumerate() {
            out.push(if i == 0 { '?' } else { '&' });
            encode(key, &mut out);
            out.push('=');
            encode(value, &mut out);
        }
        out
    }
}

/// One part of a path: a name that may hold anything, a slash too.
pub fn encode_part(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    encode(text, &mut out);
    out.replace('+', "%20")
}

/// The inverse of [`encode_part`]; a plus is a plus.
pub fn decode_part(text: &str) -> String {
    decode(&text.replace('+', "%2B"))
}

fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b':' | b',' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => write!(out, "%{byte:02X}").expect("writing to a string cannot fail"),
        }
    }
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let hex = |at: usize| bytes.get(at).and_then(|b| char::from(*b).to_digit(16));
        match (bytes[i], hex(i + 1), hex(i + 2)) {
            (b'+', ..) => out.push(b' '),
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).expect("two hexadecimal digits are a byte"));
                i += 2;
            }
            (other, ..) => out.push(other),
        }
        i += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn blank_values_count_as_absent_and_broken_escapes_are_text() {
        let query = Query::parse("q=+&role=noc&role=admin&x=100%&&=");
        assert_eq!(query.get("q"), None);
        assert_eq!(query.get("role"), Some("admin"));
        assert_eq!(query.all("role"), ["noc", "admin"]);
        assert_eq!(query.get("x"), Some("100%"));
    }

    #[test]
    fn a_link_carries_the_query_and_a_removed_key_is_gone() {
        let query = Query::parse("page=2&q=a b").with("sort", "name").without("page");
        assert_eq!(query.link("/users"), "/users?q=a+b&sort=name");
        assert_eq!(Query::default().link("/users"), "/users");
    }

    proptest! {
        #[test]
        fn parse_is_the_inverse_of_link(pairs in proptest::collection::btree_map("\\PC{1,8}", "\\PC{0,8}", 0..5)) {
            let query = pairs.iter().fold(Query::default(), |query, (key, value)| query.with(key, value));
            let link = query.link("");
            prop_assert_eq!(Query::parse(link.trim_start_matches('?')), query);
        }
    }
}
