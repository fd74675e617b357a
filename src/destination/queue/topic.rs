//! Topic patterns, as AMQP 0-9-1 defines them: words between dots, `*` for one, `#` for any number.

/// Whether a routing key matches a binding pattern.
pub(super) fn matches(pattern: &str, key: &str) -> bool {
    if pattern == "#" {
        return true;
    }
    let pattern: Vec<&str> = pattern.split('.').collect();
    let key: Vec<&str> = key.split('.').collect();
    walk(&pattern, &key)
}

fn walk(pattern: &[&str], key: &[&str]) -> bool {
    match pattern.split_first() {
        None => key.is_empty(),
        Some((&"#", rest)) => (0..=key.len()).any(|it| walk(rest, &key[it..])),
        Some((&word, rest)) => key
            .split_first()
            .is_some_and(|(&first, tail)| (word == "*" || word == first) && walk(rest, tail)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_amqp() {
        let cases = [
            ("#", "", true),
            ("#", "a.b.c", true),
            ("*.message.received", "whatsapp.message.received", true),
            ("*.message.received", "whatsapp.message.status", false),
            ("*.message.received", "message.received", false),
            ("a.#", "a", true),
            ("a.#.z", "a.b.c.z", true),
            ("a.#.z", "a.z", true),
            ("a.*.z", "a.z", false),
            ("#.b.#", "a.b.c", true),
            ("a.b", "a.b.c", false),
        ];
        for (pattern, key, expected) in cases {
            assert_eq!(matches(pattern, key), expected, "{pattern} {key}");
        }
    }
}
