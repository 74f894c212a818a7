//! The typed values of conditions: numbers, dates, addresses and ARNs. What does not parse compares to nothing.

use std::cmp::Ordering;
use std::net::IpAddr;

use nephos_core::Timestamp;

use super::context::Context;
use super::pattern::{Pattern, Syntax};

/// A number: whole ones compare exactly, others as 64-bit floats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    Whole(i128),
    Real(f64),
}

impl Number {
    pub(super) fn parse(text: &str) -> Option<Number> {
        if let Ok(whole) = text.parse() {
            return Some(Number::Whole(whole));
        }
        let plain = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E');
        let real: f64 = text.bytes().all(plain).then(|| text.parse().ok()).flatten()?;
        real.is_finite().then_some(Number::Real(real))
    }

    fn real(self) -> f64 {
        match self {
            Number::Whole(whole) => whole as f64,
            Number::Real(real) => real,
        }
    }

    pub(super) fn compare(self, other: Number) -> Option<Ordering> {
        match (self, other) {
            (Number::Whole(a), Number::Whole(b)) => Some(a.cmp(&b)),
            (a, b) => a.real().partial_cmp(&b.real()),
        }
    }
}

/// Reads a date: seconds since 1970, or ISO 8601 down to any unit (`2026`, `2026-11`, `2026-11-22T12:34Z`, ...).
pub(super) fn date(text: &str) -> Option<Timestamp> {
    if let Some(Number::Whole(secs)) = Number::parse(text)
        && (text.len() != 4 || secs < 0)
    {
        return i64::try_from(secs).ok().map(Timestamp::from_secs);
    }
    if let Some(Number::Real(secs)) = Number::parse(text) {
        return Some(Timestamp::from_millis((secs * 1000.0) as i64));
    }
    let text = text.to_ascii_uppercase();
    let (day, time) = text.split_once('T').unwrap_or((&text, "00:00:00Z"));
    let day = match day.len() {
        4 => format!("{day}-01-01"),
        7 => format!("{day}-01"),
        _ => day.to_owned(),
    };
    let zone = time.find(['Z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at(zone);
    let clock = match clock.len() {
        2 => format!("{clock}:00:00"),
        5 => format!("{clock}:00"),
        _ => clock.to_owned(),
    };
    let zone = if zone.is_empty() { "Z" } else { zone };
    Timestamp::parse_iso8601(&format!("{day}T{clock}{zone}"))
}

/// An address range such as `203.0.113.0/24` or `2001:db8::/32`; a lone address is a range of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cidr {
    base: IpAddr,
    prefix_bits: u32,
}

impl Cidr {
    pub(super) fn parse(text: &str) -> Option<Cidr> {
        let (base, bits) = match text.split_once('/') {
            Some((base, bits)) => (base.parse::<IpAddr>().ok()?, Some(bits.parse::<u32>().ok()?)),
            None => (text.parse::<IpAddr>().ok()?, None),
        };
        let width = if base.is_ipv4() { 32 } else { 128 };
        let prefix_bits = bits.unwrap_or(width);
        (prefix_bits <= width).then_some(Cidr { base, prefix_bits })
    }

    pub(super) fn contains(&self, address: IpAddr) -> bool {
        let (base, address, width) = match (self.base, unmap(address)) {
            (IpAddr::V4(base), IpAddr::V4(a)) => (u128::from(base.to_bits()), u128::from(a.to_bits()), 32),
            (IpAddr::V6(base), IpAddr::V6(a)) => (base.to_bits(), a.to_bits(), 128),
            _ => return false,
        };
        let dropped = width - self.prefix_bits;
        base.checked_shr(dropped).unwrap_or(0) == address.checked_shr(dropped).unwrap_or(0)
    }
}

/// `::ffff:203.0.113.1`, as a dual-stack listener reports an IPv4 client, is that IPv4 address.
fn unmap(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        v4 => v4,
    }
}

/// An ARN pattern, whose six parts are matched one by one.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ArnPattern {
    Parts(Box<[Pattern; 6]>),
    /// A lone `*`, or a variable that stands for the whole ARN.
    Whole(Pattern),
    /// No ARN: matches none.
    Never,
}

impl ArnPattern {
    pub(super) fn compile(text: &str, syntax: Syntax) -> ArnPattern {
        let parts = split_parts(text, syntax.variables);
        if let Ok(parts) = <[&str; 6]>::try_from(parts) {
            return ArnPattern::Parts(Box::new(parts.map(|part| Pattern::compile(part, syntax))));
        }
        let whole = Pattern::compile(text, syntax);
        if whole.is_everything() || whole.has_variables() {
            ArnPattern::Whole(whole)
        } else {
            ArnPattern::Never
        }
    }

    /// Whether `arn` matches; `None` where a variable has no value.
    pub(super) fn matches(&self, arn: &str, context: &dyn Context) -> Option<bool> {
        match self {
            ArnPattern::Never => Some(false),
            ArnPattern::Whole(pattern) => pattern.matches(arn, context),
            ArnPattern::Parts(patterns) => {
                let parts: Vec<&str> = arn.splitn(6, ':').collect();
                if parts.len() != 6 {
                    return Some(false);
                }
                for (pattern, part) in patterns.iter().zip(parts) {
                    if !pattern.matches(part, context)? {
                        return Some(false);
                    }
                }
                Some(true)
            }
        }
    }
}

/// Splits at the first five colons that are not inside a variable.
fn split_parts(text: &str, variables: bool) -> Vec<&str> {
    let (mut parts, mut start, mut in_variable) = (Vec::new(), 0, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'$' if variables && text[at..].starts_with("${") => in_variable = true,
            b'}' => in_variable = false,
            b':' if !in_variable && parts.len() < 5 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Whether a value has the form of an ARN at all.
pub(super) fn is_arn(text: &str) -> bool {
    text.starts_with("arn:") && text.splitn(6, ':').count() == 6
}

#[cfg(test)]
mod tests {
    use nephos_core::ContextKeys;

    use super::*;

    #[test]
    fn numbers_compare_by_value() {
        let compare = |a, b| Number::parse(a)?.compare(Number::parse(b)?);
        assert_eq!(compare("10", "9"), Some(Ordering::Greater));
        assert_eq!(compare("9007199254740993", "9007199254740992"), Some(Ordering::Greater));
        assert_eq!(compare("1.50", "1.5"), Some(Ordering::Equal));
        assert_eq!(compare("-1", "0.5"), Some(Ordering::Less));
        for bad in ["", "ten", "NaN", "inf", "0x10", "1 "] {
            assert_eq!(Number::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn dates_have_many_spellings() {
        let new_year = Timestamp::from_secs(1_767_225_600);
        for same in [
            "2026",
            "2026-01",
            "2026-01-01",
            "2026-01-01T00:00Z",
            "2026-01-01T00:00:00Z",
            "2026-01-01T00:00:00.000Z",
            "2026-01-01t01:00:00+01:00",
            "2026-01-01T00:00:00",
            "1767225600",
        ] {
            assert_eq!(date(same), Some(new_year), "{same}");
        }
        for bad in ["", "soon", "2026-13-01", "2026-01-01T25:00:00Z"] {
            assert_eq!(date(bad), None, "{bad}");
        }
    }

    #[test]
    fn addresses_belong_to_ranges() {
        let within =
            |cidr, address: &str| Cidr::parse(cidr).is_some_and(|c| c.contains(address.parse().unwrap()));
        assert!(within("203.0.113.0/24", "203.0.113.255"));
        assert!(!within("203.0.113.0/24", "203.0.114.0"));
        assert!(within("0.0.0.0/0", "8.8.8.8"));
        assert!(!within("0.0.0.0/0", "::1"));
        assert!(within("::/0", "::1"));
        assert!(within("2001:db8::/32", "2001:db8:ffff::1"));
        assert!(within("127.0.0.1", "127.0.0.1"));
        assert!(within("127.0.0.0/8", "::ffff:127.0.0.1"));
        for bad in ["", "203.0.113.0/33", "203.0.113/24", "::/129", "*"] {
            assert_eq!(Cidr::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn arn_parts_match_one_by_one() {
        let syntax = Syntax { wildcards: true, variables: true };
        let mut keys = ContextKeys::new();
        keys.set("aws:PrincipalAccount", "111111111111");
        let matches = |pattern, arn| ArnPattern::compile(pattern, syntax).matches(arn, &keys) == Some(true);
        let arn = "arn:aws:sns:eu-west-1:111111111111:topic:sub";
        assert!(matches("arn:aws:sns:*:111111111111:*", arn));
        assert!(matches("arn:aws:sns:eu-west-?:${aws:PrincipalAccount}:topic*", arn));
        assert!(matches("*", arn));
        assert!(!matches("arn:aws:*:topic:sub", arn));
        assert!(!matches("arn:aws:*", arn));
        assert!(!matches("arn:aws:s3*:eu-west-1:111111111111:topic:sub", arn));
    }
}
