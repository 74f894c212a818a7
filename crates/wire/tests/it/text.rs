//! Scalars as text, and what is parsed of it.

use nephos_core::Timestamp;
use nephos_wire::text::{double, from_base64, moment, parse_double, parse_timestamp, unix_seconds};
use proptest::prelude::*;

#[test]
fn doubles_always_look_like_doubles() {
    for (value, text) in [
        (1.0, "1.0"),
        (0.5, "0.5"),
        (-0.0, "-0.0"),
        (1e300, "1e300"),
        (f64::NAN, "NaN"),
        (f64::INFINITY, "Infinity"),
        (f64::NEG_INFINITY, "-Infinity"),
    ] {
        assert_eq!(double(value), text);
    }
    for bad in ["", "inf", "infinity", "nan", "-NaN", "0x1", "1e400", "-1e400", "1_000", "1,5", "one", "1 2"]
    {
        assert_eq!(parse_double(bad), None, "{bad}");
    }
    assert_eq!(parse_double("+1.5E2"), Some(150.0));
}

#[test]
fn no_moment_lies_beyond_the_spellings() {
    assert_eq!(moment(253_402_300_799.999), Some(Timestamp::from_millis(253_402_300_799_999)));
    for beyond in [253_402_300_800.0, -62_135_596_801.0, f64::NAN, f64::INFINITY, 1e300] {
        assert_eq!(moment(beyond), None, "{beyond}");
    }
    for bad in ["", "now", "nan", "inf", "1e300", "2026-11-22", "2026-02-30T00:00:00Z"] {
        assert_eq!(parse_timestamp(bad), None, "{bad}");
    }
    assert_eq!(from_base64(" AAE= ").as_deref(), Some([0, 1].as_slice()));
    assert_eq!(from_base64("?"), None);
}

proptest! {
    #[test]
    fn doubles_round_trip(value in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO) {
        prop_assert_eq!(parse_double(&double(value)), Some(value));
    }

    #[test]
    fn moments_round_trip(millis in -62_135_596_800_000_i64..253_402_300_800_000) {
        let moment = Timestamp::from_millis(millis);
        prop_assert_eq!(parse_timestamp(&moment.iso8601()), Some(moment));
        prop_assert_eq!(parse_timestamp(&moment.iso8601_millis()), Some(moment));
        prop_assert_eq!(parse_timestamp(&unix_seconds(moment)), Some(moment));
        if millis >= 0 {
            let whole = Timestamp::from_secs(moment.secs());
            prop_assert_eq!(parse_timestamp(&moment.http_date()), Some(whole));
        }
    }
}
