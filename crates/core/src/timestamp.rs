//! A moment, in milliseconds since 1970, and the three spellings that AWS's protocols use.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::{Duration, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};
use time::macros::format_description;

/// The last millisecond of the year 9999, which is the last that the spellings can say.
const LAST: i64 = 253_402_300_799_999;

/// A moment in UTC with millisecond resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since 1970.
    pub const fn from_millis(millis: i64) -> Self {
        Timestamp(millis)
    }

    /// From whole seconds since 1970.
    pub const fn from_secs(secs: i64) -> Self {
        Timestamp(secs.saturating_mul(1000))
    }

    /// Milliseconds since 1970.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, rounded down.
    pub const fn secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Seconds since 1970 with the milliseconds as a fraction, as the JSON protocols send.
    pub fn epoch_seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    fn date_time(self) -> OffsetDateTime {
        let nanos = i128::from(self.0) * 1_000_000;
        OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// `2026-11-22T12:34:56Z`, or with `.789` before the `Z` where there are milliseconds.
    pub fn iso8601(self) -> String {
        let whole = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
        let millis =
            format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
        let format: &[_] = if self.0 % 1000 == 0 { whole } else { millis };
        self.date_time().format(format).unwrap_or_default()
    }

    /// `2026-11-22T12:34:56.789Z`, always with milliseconds, as S3 and Lambda print it.
    pub fn iso8601_millis(self) -> String {
        let format =
            format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
        self.date_time().format(format).unwrap_or_default()
    }

    /// `20261122T123456Z`, as signatures carry it.
    pub fn amz_date(self) -> String {
        self.date_time()
            .format(format_description!("[year][month][day]T[hour][minute][second]Z"))
            .unwrap_or_default()
    }

    /// `Sun, 22 Nov 2026 12:34:56 GMT`; the nearest that this spelling has, for moments before 1970 or after 9999.
    pub fn http_date(self) -> String {
        httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(self.0.clamp(0, LAST).unsigned_abs()))
    }

    /// Reads ISO 8601 / RFC 3339, with or without a fraction.
    pub fn parse_iso8601(text: &str) -> Option<Self> {
        let parsed = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        i64::try_from(parsed.unix_timestamp_nanos().div_euclid(1_000_000)).ok().map(Timestamp)
    }

    /// Reads an HTTP date in any of its three forms.
    pub fn parse_http_date(text: &str) -> Option<Self> {
        if let Ok(parsed) = httpdate::parse_http_date(text) {
            let since = parsed.duration_since(UNIX_EPOCH).ok()?;
            return i64::try_from(since.as_millis()).ok().map(Timestamp);
        }
        OffsetDateTime::parse(text, &Rfc2822).ok().map(|t| Timestamp::from_secs(t.unix_timestamp()))
    }

    /// Reads `20261122T123456Z`.
    pub fn parse_amz_date(text: &str) -> Option<Self> {
        let format = format_description!("[year][month][day]T[hour][minute][second]Z");
        let parsed = time::PrimitiveDateTime::parse(text, format).ok()?;
        Some(Timestamp::from_secs(parsed.assume_utc().unix_timestamp()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso8601())
    }
}

impl Add<Duration> for Timestamp {
    type Output = Timestamp;

    fn add(self, by: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Timestamp;

    fn sub(self, by: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub for Timestamp {
    type Output = Duration;

    /// The time from `earlier` to `self`; zero where `earlier` is later.
    fn sub(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0).max(0).unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_round_trips() {
        let t = Timestamp::from_millis(1_795_350_896_789);
        assert_eq!(t.iso8601(), "2026-11-22T12:34:56.789Z");
        assert_eq!(Timestamp::parse_iso8601(&t.iso8601()), Some(t));
        let whole = Timestamp::from_secs(t.secs());
        assert_eq!(whole.iso8601(), "2026-11-22T12:34:56Z");
        assert_eq!(whole.amz_date(), "20261122T123456Z");
        assert_eq!(Timestamp::parse_amz_date("20261122T123456Z"), Some(whole));
        assert_eq!(whole.http_date(), "Sun, 22 Nov 2026 12:34:56 GMT");
        assert_eq!(Timestamp::parse_http_date(&whole.http_date()), Some(whole));
    }

    #[test]
    fn moments_beyond_the_spellings_do_no_harm() {
        for millis in [i64::MIN, -1, LAST, LAST + 1, i64::MAX] {
            let t = Timestamp::from_millis(millis);
            assert_eq!(t.http_date().len(), 29);
            assert!(!t.iso8601().is_empty() && !t.amz_date().is_empty());
        }
        assert_eq!(Timestamp::parse_iso8601("1969-12-31T23:59:59.9995Z"), Some(Timestamp::from_millis(-1)));
    }

    #[test]
    fn nonsense_is_no_moment() {
        for bad in ["", "yesterday", "2026-13-01T00:00:00Z", "20261122"] {
            assert_eq!(Timestamp::parse_iso8601(bad), None);
            assert_eq!(Timestamp::parse_amz_date(bad), None);
        }
    }
}
