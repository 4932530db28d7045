//! The name somebody probably meant.

/// The most alike of what there is; blank where there is nothing.
pub fn nearest<'a>(known: impl IntoIterator<Item = &'a str>, asked: &str) -> &'a str {
    ranked(known, asked).first().copied().unwrap_or_default()
}

/// Most alike first.
pub fn ranked<'a>(known: impl IntoIterator<Item = &'a str>, asked: &str) -> Vec<&'a str> {
    let mut names: Vec<&str> = known.into_iter().collect();
    names.sort_by(|a, b| strsim::jaro_winkler(b, asked).total_cmp(&strsim::jaro_winkler(a, asked)));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_alike_comes_first() {
        assert_eq!(nearest(["freeze", "kill", "cut"], "frieze"), "freeze");
        assert_eq!(ranked(["asterisk-01", "kamailio-01"], "kamailio-1"), ["kamailio-01", "asterisk-01"]);
        assert_eq!(nearest([], "x"), "");
    }
}
