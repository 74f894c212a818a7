//! Numbers against long arithmetic done by hand and by property.

use super::*;

fn shown(text: &str) -> String {
    Number::parse(text).map_or_else(|error| error.to_string(), |number| number.to_string())
}

#[test]
fn numbers_print_expanded_and_trimmed() {
    for (given, printed) in [
        ("1e3", "1000"),
        (".5", "0.5"),
        ("5.", "5"),
        ("-0.0", "0"),
        ("+7", "7"),
        ("0042", "42"),
        ("1.200", "1.2"),
        ("100.50", "100.5"),
        ("-1E-3", "-0.001"),
        ("0e125", "0"),
        ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
    ] {
        assert_eq!(shown(given), printed, "{given}");
    }
    assert_eq!(shown("1E125").len(), 126);
    assert_eq!(shown("1e-130"), format!("0.{}1", "0".repeat(129)));
}

#[test]
fn what_is_no_number_or_out_of_range_is_refused() {
    for (given, why) in [
        ("", NumberError::NotNumeric),
        ("abc", NumberError::NotNumeric),
        ("1.2.3", NumberError::NotNumeric),
        (" 1", NumberError::NotNumeric),
        ("1 ", NumberError::NotNumeric),
        ("0x10", NumberError::NotNumeric),
        ("1e", NumberError::NotNumeric),
        (".", NumberError::NotNumeric),
        ("-", NumberError::NotNumeric),
        ("NaN", NumberError::NotNumeric),
        ("Infinity", NumberError::NotNumeric),
        ("1e9223372036854775808", NumberError::NotNumeric),
        ("1e99999999999", NumberError::Overflow),
        ("-1e126", NumberError::Overflow),
        ("0e126", NumberError::Overflow),
        ("1e-131", NumberError::Underflow),
        ("0e-131", NumberError::Underflow),
        ("1e-2147483648", NumberError::Underflow),
        ("1234567890123456789012345678901234567890", NumberError::NotNumeric),
    ] {
        let got = Number::parse(given).unwrap_err();
        let why = if given.len() == 40 { NumberError::TooManyDigits } else { why };
        assert_eq!(got, why, "{given}");
    }
}

#[test]
fn sizes_are_those_that_aws_charges() {
    for (given, bytes) in [
        ("0", 1),
        ("1", 2),
        ("12", 2),
        ("123", 3),
        ("1234", 3),
        ("12345678901234567890123456789012345678", 20),
        ("100", 2),
        ("1010", 3),
        ("0.0000001", 2),
        ("1E125", 2),
        ("1E-100", 2),
        ("1.5", 3),
        ("1.234", 4),
        ("3.14159", 5),
        ("123456", 4),
        ("100.5", 4),
        ("0.15", 2),
        ("-42", 3),
        ("-0", 1),
    ] {
        assert_eq!(Number::parse(given).unwrap().size(), bytes, "{given}");
    }
}

#[test]
fn sums_are_exact_or_refused() {
    let sum = |a: &str, b: &str| Number::parse(a).unwrap().plus(&Number::parse(b).unwrap());
    for (a, b, total) in [
        ("0.1", "0.2", "0.3"),
        ("5", "-5", "0"),
        ("-7", "2.5", "-4.5"),
        ("99999999999999999999999999999999999999", "1", "100000000000000000000000000000000000000"),
        ("1e38", "-1", "99999999999999999999999999999999999999"),
        ("1e125", "0", &format!("1{}", "0".repeat(125))),
    ] {
        assert_eq!(sum(a, b).unwrap().to_string(), total, "{a} + {b}");
        assert_eq!(sum(b, a).unwrap().to_string(), total, "{b} + {a}");
    }
    assert_eq!(sum("1e38", "1"), Err(NumberError::TooManyDigits));
    assert_eq!(sum("1e125", "1e-130"), Err(NumberError::TooManyDigits));
    assert_eq!(sum("9e125", "9e125"), Err(NumberError::Overflow));
    let (a, b) = (Number::parse("1e-130").unwrap(), Number::parse("2e-130").unwrap());
    assert_eq!(a.minus(&b).unwrap(), Number::parse("-1e-130").unwrap());
}

#[test]
fn seconds_are_rounded_down() {
    for (given, seconds) in [("12.9", Some(12)), ("-0.1", Some(-1)), ("1e17", Some(100_000_000_000_000_000))]
    {
        assert_eq!(Number::parse(given).unwrap().floor_i64(), seconds, "{given}");
    }
    assert_eq!(Number::parse("1e-130").unwrap().floor_i64(), Some(0));
    assert_eq!(Number::parse("1e100").unwrap().floor_i64(), None);
}
