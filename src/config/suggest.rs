//! "Did you mean …?"

use crate::event::paths::nearest;

/// What to do about a word that is not among those known: the one that was meant, or all of them.
pub(super) fn hint<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let mut known: Vec<&str> = known.into_iter().collect();
    known.sort_unstable();
    known.dedup();
    near(word, &known).unwrap_or_else(|| list(&known))
}

/// The one that was meant, as a question.
pub(super) fn near(word: &str, known: &[&str]) -> Option<String> {
    nearest(word, known.iter().copied()).map(|it| format!("did you mean `{it}`?"))
}

/// All of them.
pub(super) fn list(known: &[&str]) -> String {
    match known {
        [] => "there are none here".to_owned(),
        _ => format!("there are: `{}`", known.join("`, `")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_word_is_suggested_and_a_far_one_is_not() {
        let known = ["whatsapp", "message.received", "flow"];
        assert_eq!(hint("whatsap", known), "did you mean `whatsapp`?");
        assert_eq!(hint("message.recieved", known), "did you mean `message.received`?");
        assert_eq!(hint("fax", known), "there are: `flow`, `message.received`, `whatsapp`");
        assert_eq!(hint("x", []), "there are none here");
    }
}
