//! Kinds that a source names itself.

use crate::event::Kind;

/// The longest word on either side of the dot.
const MAX_WORD: usize = 48;

/// A kind as it is written, if it is one: two lower-case words with a dot between them, and no
/// provider's own `unmapped`.
pub(super) fn exact(name: &str) -> Option<Kind> {
    let word = |it: &str| {
        it.len() <= MAX_WORD
            && it.starts_with(|first: char| first.is_ascii_lowercase())
            && it.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_')
    };
    let (left, right) = name.split_once('.')?;
    (word(left) && word(right) && right != "unmapped").then(|| Kind::parse(name))
}

/// A sender's word for what happened as a kind: `shop.orders/create` is `shop.orders_create`.
pub(super) fn read(word: &str) -> Option<Kind> {
    let (left, right) = word.trim().split_once('.')?;
    exact(&format!("{}.{}", plain(left), plain(right)))
}

/// A word in lower case; whatever is neither a letter nor a digit is an underscore.
fn plain(word: &str) -> String {
    let letter = |it: char| if it.is_ascii_alphanumeric() { it.to_ascii_lowercase() } else { '_' };
    let word: String = word.chars().map(letter).collect();
    word.split('_').filter(|it| !it.is_empty()).collect::<Vec<_>>().join("_")
}

/// Which kinds a setting can become, as `on` of a route is written.
pub(super) fn pattern(written: &str) -> String {
    let fixed = written.split(['{', '/']).next().unwrap_or_default();
    if !fixed.is_empty() && fixed.len() == written.len() && !written.starts_with("header:") {
        return written.to_owned();
    }
    match fixed.split_once('.') {
        Some((group, _)) if !written.starts_with("header:") && !written.starts_with("body:") => {
            format!("{group}.*")
        }
        _ => "*".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_the_sender_becomes_a_kind() {
        for (word, expected) in [
            ("order.created", Some("order.created")),
            ("github.push", Some("github.push")),
            ("shop.orders/create", Some("shop.orders_create")),
            ("customer.subscription.created", Some("customer.subscription_created")),
            ("Order.Line Item-Added!", Some("order.line_item_added")),
            ("message.received", Some("message.received")),
            ("push", None),
            ("shop.", None),
            (".created", None),
            ("1.2", None),
            ("whatsapp.unmapped", None),
            ("ä.ö", None),
        ] {
            assert_eq!(read(word).as_ref().map(Kind::as_str), expected, "{word}");
        }
        assert_eq!(read(&format!("a.{}", "b".repeat(100))), None);
    }

    #[test]
    fn a_route_may_name_what_a_source_can_become() {
        for (written, expected) in [
            ("order.created", "order.created"),
            ("shop.{/topic}", "shop.*"),
            ("github.{header:X-GitHub-Event}", "github.*"),
            ("{/group}.{/topic}", "*"),
            ("/type", "*"),
            ("header:X-Event.Kind", "*"),
            ("body:/a.b", "*"),
            ("", "*"),
        ] {
            assert_eq!(pattern(written), expected, "{written}");
        }
    }
}
