//! Quantities as people read them: a number and, quieter beside it, its unit.

use std::time::Duration;

/// A number with its unit, kept apart so that the screen can print the unit smaller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantity {
    pub number: String,
    pub unit: &'static str,
}

impl std::fmt::Display for Quantity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.unit.is_empty() { f.write_str(&self.number) } else { write!(f, "{} {}", self.number, self.unit) }
    }
}

/// `format_bytes(1_536)` is `1.5 KiB`; powers of 1,024, as memory and disks are counted by the kernel.
pub fn format_bytes(size_bytes: u64) -> Quantity {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut unit = 0;
    let mut divisor: u64 = 1;
    while unit + 1 < UNITS.len() && size_bytes / divisor >= 1_024 {
        divisor *= 1_024;
        unit += 1;
    }
    let tenths = u128::from(size_bytes) * 10 / u128::from(divisor);
    let number = if unit == 0 || tenths >= 1_000 { (tenths / 10).to_string() } else { format!("{}.{}", tenths / 10, tenths % 10) };
    Quantity { number, unit: UNITS[unit] }
}

/// `format_count(41_230)` is `41,230`.
pub fn format_count(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A span in the coarsest two units that matter: `0.8 s`, `42 s`, `3 min 20 s`, `2 h 05 min`, `4 d 3 h`.
pub fn format_span(span: Duration) -> String {
    let s = span.as_secs();
    match s {
        0 if span.as_millis() == 0 => "0 s".into(),
        0..=9 if span.subsec_millis() >= 100 => format!("{}.{} s", s, span.subsec_millis() / 100),
        0 => format!("{} ms", span.as_millis()),
        1..=59 => format!("{s} s"),
        60..=599 => format!("{} min {:02} s", s / 60, s % 60),
        600..=3_599 => format!("{} min", s / 60),
        3_600..=86_399 => format!("{} h {:02} min", s / 3_600, s % 3_600 / 60),
        _ => format!("{} d {} h", s / 86_400, s % 86_400 / 3_600),
    }
}

/// An age in whole units, calm enough to stand beside a changing value: `now`, `4 s ago`, `3 min ago`.
pub fn format_age(age: Duration) -> String {
    match age.as_secs() {
        0 => "now".into(),
        s @ 1..=119 => format!("{s} s ago"),
        s @ 120..=7_199 => format!("{} min ago", s / 60),
        s @ 7_200..=172_799 => format!("{} h ago", s / 3_600),
        s => format!("{} d ago", s / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_in_powers_of_1024() {
        let shown = |n| format_bytes(n).to_string();
        assert_eq!(
            [0, 1_023, 1_536, 104_857_600, 1_073_741_824, u64::MAX].map(shown),
            ["0 B", "1023 B", "1.5 KiB", "100 MiB", "1.0 GiB", "16383 PiB"]
        );
    }

    #[test]
    fn counts_have_a_comma_every_three_digits() {
        assert_eq!([0, 999, 1_000, 41_230, 1_000_000].map(format_count), ["0", "999", "1,000", "41,230", "1,000,000"]);
    }

    #[test]
    fn spans_name_the_two_units_that_matter() {
        let shown = |ms| format_span(Duration::from_millis(ms));
        assert_eq!(
            [0, 36, 800, 1_250, 42_000, 200_000, 1_800_000, 7_500_000, 356_400_000].map(shown),
            ["0 s", "36 ms", "0.8 s", "1.2 s", "42 s", "3 min 20 s", "30 min", "2 h 05 min", "4 d 3 h"]
        );
    }

    #[test]
    fn ages_are_whole_units() {
        let shown = |s| format_age(Duration::from_secs(s));
        assert_eq!(
            [0, 4, 119, 180, 7_200, 900_000].map(shown),
            ["now", "4 s ago", "119 s ago", "3 min ago", "2 h ago", "10 d ago"]
        );
    }
}
