//! Credentials in what is shown: by a digest, or struck out.

use super::fingerprint::fingerprint;
use crate::config::Secret;

/// What a credential is called where it may not be shown. Another one has another name, so that
/// changing it ends a pause.
pub(super) fn name(secret: &Secret) -> String {
    fingerprint(secret.expose())
}

/// A text without these secrets: an API may repeat the token that it refuses.
pub(super) fn struck<'a>(text: &str, secrets: impl IntoIterator<Item = &'a Secret>) -> String {
    let mut text = text.to_owned();
    for secret in secrets.into_iter().filter(|it| !it.is_empty()) {
        text = text.replace(secret.expose(), "***");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_told_from_others_and_not_shown() {
        let (one, other) = (Secret::new("hunter2"), Secret::new("hunter3"));
        assert_ne!(name(&one), name(&other));
        assert_eq!(name(&one), name(&Secret::new("hunter2")));
        assert!(!name(&one).contains("hunter"));
        let said = "the token hunter2 is not hunter3";
        assert_eq!(struck(said, [&one, &other]), "the token *** is not ***");
        assert_eq!(struck(said, [&Secret::default()]), said);
    }
}
