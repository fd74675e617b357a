//! Phone numbers: one way to write each, and the lines that are written in two.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, Region};

/// How many digits a number with its country code has; E.164 allows 15.
const LENGTH: std::ops::RangeInclusive<usize> = 7..=15;

/// What stands in front of a number in other people's payloads.
const PREFIXES: [&str; 2] = ["whatsapp:", "tel:"];

/// A phone number in E.164: `+27821234567`. `None` where it cannot be one.
///
/// Plain digits are a number with its country code, as a `WhatsApp` id is, and cost next to
/// nothing. Anything else is read as people write it: with spaces, dashes and parentheses, a
/// leading `00`, a `whatsapp:` in front. Within a region, e.g. `ZA`, a number without `+` or `00`
/// is one that is dialled there.
pub fn e164(text: &str, region: Option<&str>) -> Option<String> {
    let mut text = text.trim();
    for prefix in PREFIXES {
        text = text.strip_prefix(prefix).unwrap_or(text);
    }
    let international = text.strip_prefix('+').or_else(|| text.strip_prefix("00"));
    let digits = international.or(Some(text).filter(|_| region.is_none()));
    if let Some(digits) = digits.filter(|it| it.bytes().all(|it| it.is_ascii_digit())) {
        // No country code begins with 0.
        let fits = LENGTH.contains(&digits.len()) && !digits.starts_with('0');
        return fits.then(|| ["+", digits].concat());
    }
    // What the library takes for a number written in letters is a name here.
    if text.chars().any(char::is_alphabetic) {
        return None;
    }
    let number = match (international, region) {
        (None, Some(region)) => {
            let region = region.parse::<Region>().ok()?;
            PHONE_NUMBER_UTIL.parse(text, Some(region)).ok()?
        }
        (international, _) => {
            let text = ["+", international.unwrap_or(text)].concat();
            PHONE_NUMBER_UTIL.parse(&text, None).ok()?
        }
    };
    let number = number.format_as(PhoneNumberFormat::E164).into_owned();
    LENGTH.contains(&(number.len() - 1)).then_some(number)
}

/// The one form of a number that `WhatsApp` writes in two; `None` where it has only one.
///
/// It is for recognising a line, not for dialling or answering it: see the rows of the table.
///
/// | Country | Written | Also written | Here |
/// | --- | --- | --- | --- |
/// | Brazil, mobile | `+55 41 9 8765 4321` | `+55 41 8765 4321` | with the 9 |
/// | Mexico | `+52 55 1234 5678` | `+52 1 55 1234 5678` | without the 1 |
/// | Argentina | `+54 11 2345 6789` | `+54 9 11 2345 6789` | without the 9 |
///
/// A Brazilian landline, whose eight digits begin with 2 to 5, never had a 9. In Argentina the 9
/// is only ever taken away: with one more, a landline could become somebody else's mobile.
pub fn same_line(e164: &str) -> Option<String> {
    let digits = e164.strip_prefix('+')?;
    if !digits.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let (country, national) = digits.split_at_checked(2)?;
    let first = |it: &str| it.bytes().next().unwrap_or_default();
    let national = match (country, national.len()) {
        ("55", 10 | 11) => {
            let (area, line) = national.split_at(2);
            let eight = if line.len() == 9 { line.strip_prefix('9')? } else { line };
            let is_mobile = (b'6'..=b'9').contains(&first(eight)) && !area.contains('0');
            is_mobile.then(|| [area, "9", eight].concat())?
        }
        ("52", 11) => national.strip_prefix('1')?.to_owned(),
        ("52" | "54", 10) => national.to_owned(),
        ("54", 11) => national.strip_prefix('9')?.to_owned(),
        _ => return None,
    };
    // Mexican areas begin with 2 to 9, Argentinian ones with 1 to 3.
    let is_area = match country {
        "52" => (b'2'..=b'9').contains(&first(&national)),
        "54" => (b'1'..=b'3').contains(&first(&national)),
        _ => true,
    };
    is_area.then(|| ["+", country, &national].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_form_however_it_is_written() {
        for (text, expected) in [
            ("27821234567", "+27821234567"),
            ("+27821234567", "+27821234567"),
            ("+27 82 123 4567", "+27821234567"),
            ("27 82 123 4567", "+27821234567"),
            ("0027 82 123 4567", "+27821234567"),
            ("0027821234567", "+27821234567"),
            (" +27 (0)82 123-4567 ", "+27821234567"),
            ("whatsapp:+27821234567", "+27821234567"),
            ("tel:+27-82-123-4567", "+27821234567"),
            ("+44 (0)20 7946 0958", "+442079460958"),
            ("1 (631) 555-1181", "+16315551181"),
            ("+250 788 123 200", "+250788123200"),
            ("+55 (41) 98765-4321", "+5541987654321"),
            ("+54 9 11 2345-6789", "+5491123456789"),
            ("+39 06 1234 5678", "+390612345678"),
        ] {
            assert_eq!(e164(text, None).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "",
            "+",
            "n/a",
            "0821234567",
            "123456",
            "1234567890123456",
            "+1650555123a",
            "1-800-FLOWERS",
            "US.1349120865",
            "+999 1",
            "group-1",
        ] {
            assert_eq!(e164(text, None), None, "{text}");
        }
    }

    #[test]
    fn a_number_without_its_country_is_dialled_in_the_region() {
        for (text, region, expected) in [
            ("082 123 4567", "ZA", Some("+27821234567")),
            ("0821234567", "ZA", Some("+27821234567")),
            ("+49 170 1234567", "ZA", Some("+491701234567")),
            ("0049 170 1234567", "ZA", Some("+491701234567")),
            ("(631) 555-1181", "US", Some("+16315551181")),
            ("011 15-2345-6789", "AR", Some("+5491123456789")),
            ("0821234567", "nowhere", None),
            ("12", "ZA", None),
        ] {
            assert_eq!(e164(text, Some(region)).as_deref(), expected, "{text} {region}");
        }
    }

    /// The cases of Chatwoot's normalisers, with numbers of our own.
    #[test]
    fn a_line_that_is_written_in_two_ways_is_one() {
        for (number, expected) in [
            // Brazil: with the 9 and without it.
            ("+5541987654321", Some("+5541987654321")),
            ("+554187654321", Some("+5541987654321")),
            ("+5511971234567", Some("+5511971234567")),
            ("+551171234567", Some("+5511971234567")),
            // Brazil: a landline, and what would become one without its 9.
            ("+554132345678", None),
            ("+5541932345678", None),
            ("+551150001234", None),
            // Brazil: no area has a 0, and nine digits begin with a 9.
            ("+5540987654321", None),
            ("+5541887654321", None),
            // Mexico: with the 1 of old and without it.
            ("+5215512345678", Some("+525512345678")),
            ("+525512345678", Some("+525512345678")),
            ("+5225512345678", None),
            ("+521551234567", None),
            // Argentina: with the 9 of a mobile and without it.
            ("+5491123456789", Some("+541123456789")),
            ("+541123456789", Some("+541123456789")),
            ("+5481123456789", None),
            ("+549112345678", None),
            // Everybody else, and what is no number.
            ("+27821234567", None),
            ("+491701234567", None),
            ("5541987654321", None),
            ("+55419876543é", None),
            ("+5", None),
            ("", None),
        ] {
            assert_eq!(same_line(number).as_deref(), expected, "{number}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_is_sent_for_a_number_does_harm(
            text in "[+0-9 ()/x.,;:#*~\u{ff10}-\u{ff19}-]{0,40}|.{0,300}",
            region in proptest::option::of("[A-Z]{2}"),
        ) {
            let found = e164(&text, region.as_deref());
            if let Some(number) = found {
                let digits = number.strip_prefix('+').unwrap();
                assert!(digits.bytes().all(|it| it.is_ascii_digit()), "{text}: {number}");
                assert_eq!(e164(&number, None).as_deref(), Some(&*number), "{text}");
                // A canonical form is its own.
                if let Some(line) = same_line(&number) {
                    assert_eq!(same_line(&line).as_deref(), Some(&*line), "{text}");
                }
            }
        }
    }
}
