//! How a person wants the panel to look: kept in a cookie, so that the first byte of a page is right already.

use crate::values::Query;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system says.
    #[default]
    Auto,
    Light,
    Dark,
    /// High contrast: black, white and the tones at full strength.
    Contrast,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Density {
    #[default]
    Compact,
    Roomy,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    pub theme: Theme,
    pub density: Density,
    /// Less motion than even the system asks for.
    pub still: bool,
}

impl Theme {
    pub const ALL: [Theme; 4] = [Theme::Auto, Theme::Light, Theme::Dark, Theme::Contrast];

    pub const fn name(self) -> &'static str {
        match self {
            Theme::Auto => "auto",
            Theme::Light => "light",
            Theme::Dark => "dark",
            Theme::Contrast => "contrast",
        }
    }
}

impl Density {
    pub const ALL: [Density; 2] = [Density::Compact, Density::Roomy];

    pub const fn name(self) -> &'static str {
        match self {
            Density::Compact => "compact",
            Density::Roomy => "roomy",
        }
    }
}

impl Look {
    /// Reads the cookie's value, or a form; what it does not know stays as it is by default.
    pub fn parse(text: &str) -> Self {
        let query = Query::parse(text);
        let theme = Theme::ALL.into_iter().find(|theme| query.get("theme") == Some(theme.name()));
        let density = Density::ALL.into_iter().find(|density| query.get("density") == Some(density.name()));
        Self { theme: theme.unwrap_or_default(), density: density.unwrap_or_default(), still: query.get("still") == Some("true") }
    }

    pub fn format(&self) -> String {
        let still = if self.still { "true" } else { "false" };
        format!("theme={}&density={}&still={still}", self.theme.name(), self.density.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_read_back_and_nonsense_is_the_default() {
        let look = Look { theme: Theme::Contrast, density: Density::Roomy, still: true };
        assert_eq!(Look::parse(&look.format()), look);
        assert_eq!(Look::parse("theme=<script>&density="), Look::default());
    }
}
