//! The timestamp of an SRP proof: `EEE MMM d HH:mm:ss UTC yyyy` in English, the day without padding.
//!
//! The proof is checked over the text as the client sent it; this only reads the moment out of it.

use nephos_core::Timestamp;
use time::{Date, Month, PrimitiveDateTime, Time};

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Reads the timestamp, or nothing where the text has another form.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let mut words = text.split(' ');
    let mut next = || words.next();
    let (weekday, month, day, clock, zone, year) = (next()?, next()?, next()?, next()?, next()?, next()?);
    if next().is_some() || zone != "UTC" || !DAYS.contains(&weekday) {
        return None;
    }
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    if day.starts_with('0') || year.len() != 4 {
        return None;
    }
    let date =
        Date::from_calendar_date(number(year)?.into(), month, u8::try_from(number(day)?).ok()?).ok()?;
    let moment = PrimitiveDateTime::new(date, parse_clock(clock)?).assume_utc();
    Some(Timestamp::from_secs(moment.unix_timestamp()))
}

fn parse_clock(text: &str) -> Option<Time> {
    let mut parts = text.split(':').map(|part| if part.len() == 2 { number(part) } else { None });
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() {
        return None;
    }
    let part = |value: u16| u8::try_from(value).ok();
    Time::from_hms(part(hour)?, part(minute)?, part(second)?).ok()
}

fn number(text: &str) -> Option<u16> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clients_form_is_read() {
        let at = parse("Sun Nov 22 12:34:56 UTC 2026").unwrap();
        assert_eq!(at.iso8601(), "2026-11-22T12:34:56Z");
        assert_eq!(parse("Thu Jan 1 00:00:09 UTC 2026").unwrap().iso8601(), "2026-01-01T00:00:09Z");
    }

    #[test]
    fn any_other_form_is_refused() {
        for bad in [
            "",
            "Thu Jan 01 00:00:09 UTC 2026",
            "Thu Jan 1 0:00:09 UTC 2026",
            "Thu Jan 1 00:00:09 GMT 2026",
            "Thu Jan 1 00:00:09 UTC 2026 ",
            "Thu Jan  1 00:00:09 UTC 2026",
            "Do Jan 1 00:00:09 UTC 2026",
            "Thu Foo 1 00:00:09 UTC 2026",
            "Thu Feb 30 00:00:09 UTC 2026",
            "Thu Jan 1 24:00:09 UTC 2026",
            "Thu Jan 1 00:00 UTC 2026",
            "Thu Jan +1 00:00:09 UTC 2026",
            "2026-01-01T00:00:00Z",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
