use proptest::prelude::*;

use super::*;

/// What Go's `resource.ParseQuantity` of apimachinery 0.36 makes of a text, rounded up to units
/// and to thousandths; written by a Go program that printed exact values.
const GOLDEN: [(&str, &str, &str); 69] = [
    ("0", "0", "0"),
    ("0m", "0", "0"),
    ("1", "1", "1000"),
    ("100m", "1", "100"),
    ("1.5", "2", "1500"),
    ("0.1", "1", "100"),
    ("0.0001", "1", "1"),
    ("1n", "1", "1"),
    ("1u", "1", "1"),
    ("999999n", "1", "1"),
    ("1500u", "1", "2"),
    ("2Gi", "2147483648", "2147483648000"),
    ("1Ki", "1024", "1024000"),
    ("1.5Gi", "1610612736", "1610612736000"),
    ("0.5Ki", "512", "512000"),
    ("0.1Ki", "103", "102400"),
    ("1k", "1000", "1000000"),
    ("1M", "1000000", "1000000000"),
    ("1G", "1000000000", "1000000000000"),
    ("1T", "1000000000000", "1000000000000000"),
    ("1P", "1000000000000000", "1000000000000000000"),
    ("1E", "1000000000000000000", "overflow"),
    ("8E", "8000000000000000000", "overflow"),
    ("9E", "9000000000000000000", "overflow"),
    ("10E", "overflow", "overflow"),
    ("7Ei", "8070450532247928832", "overflow"),
    ("8Ei", "overflow", "overflow"),
    ("1e3", "1000", "1000000"),
    ("1E3", "1000", "1000000"),
    ("1e-3", "1", "1"),
    ("1e-9", "1", "1"),
    ("1e-12", "1", "1"),
    ("12e6", "12000000", "12000000000"),
    ("1.25e2", "125", "125000"),
    ("+5", "5", "5000"),
    ("-0", "0", "0"),
    ("1e", "form", "form"),
    ("1e+3", "1000", "1000000"),
    ("", "form", "form"),
    ("abc", "form", "form"),
    ("1 Gi", "form", "form"),
    ("1GI", "form", "form"),
    ("1gi", "form", "form"),
    ("1K", "form", "form"),
    ("1mi", "form", "form"),
    ("1.2.3", "form", "form"),
    (".5", "1", "500"),
    ("5.", "5", "5000"),
    ("0x10", "form", "form"),
    ("1_000", "form", "form"),
    ("9223372036854775807", "9223372036854775807", "overflow"),
    ("9223372036854775808", "overflow", "overflow"),
    ("9223372036854775.807k", "9223372036854775807", "overflow"),
    ("0.00000000000000000000000000000001", "1", "1"),
    ("129e6", "129000000", "129000000000"),
    ("129M", "129000000", "129000000000"),
    ("123Mi", "128974848", "128974848000"),
    ("31400m", "32", "31400"),
    ("3.14159265358979", "4", "3142"),
    ("64Pi", "72057594037927936", "overflow"),
    ("1e18", "1000000000000000000", "overflow"),
    ("1e19", "overflow", "overflow"),
    ("1Ei2", "form", "form"),
    ("1i", "form", "form"),
    ("1e3Ki", "form", "form"),
    ("100000000000000000000n", "100000000000", "100000000000000"),
    ("0.000000001Ei", "1152921505", "1152921504607"),
    ("3920m", "4", "3920"),
    ("16374056Ki", "16767033344", "16767033344000"),
];

fn said(read: Result<u64, QuantityRefusal>) -> String {
    match read {
        Ok(value) => value.to_string(),
        Err(QuantityRefusal::Form) => "form".to_owned(),
        Err(QuantityRefusal::Negative) => "negative".to_owned(),
        Err(QuantityRefusal::Overflow) => "overflow".to_owned(),
    }
}

#[test]
fn a_quantity_means_what_it_means_to_kubernetes() {
    for (text, units, millis) in GOLDEN {
        assert_eq!(said(quantity_units(text)), units, "{text:?} in units");
        assert_eq!(said(quantity_millicores(text)), millis, "{text:?} in thousandths");
    }
}

/// Go reads these as zero, caps them or wraps them around; a figure made up like that is worse
/// than none.
#[test]
fn where_go_guesses_we_refuse() {
    for text in ["m", ".", "+", "-", "--1", "1e999999999999"] {
        assert_eq!(said(quantity_units(text)), "form", "{text:?}");
    }
    for text in ["8Ei", "10E", "1e19", "1e9999", "9223372036854775808"] {
        assert_eq!(said(quantity_units(text)), "overflow", "{text:?}");
    }
    assert_eq!(said(quantity_units("-1")), "negative");
    assert_eq!(said(quantity_units("-0.000000000000000000000000000000000001")), "negative");
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC*", near in "[-+]?[0-9.]{0,40}[a-zA-Z]{0,3}[-+0-9]{0,6}") {
        let _ = quantity_units(&text);
        let _ = quantity_millicores(&near);
    }

    #[test]
    fn whole_numbers_stay_what_they_are(value in 0..=i64::MAX as u64, zeros in 0..9_usize) {
        let text = format!("{value}.{}", "0".repeat(zeros));
        prop_assert_eq!(quantity_units(&text), Ok(value));
    }
}
