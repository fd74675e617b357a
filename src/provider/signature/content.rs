//! What is signed: a small template over the parts of a request.

use std::borrow::Cow;

use crate::provider::Request;

/// One part of what is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Text(Box<str>),
    Body,
    Timestamp,
    Id,
    Url,
    Method,
    Header(Box<str>),
    SortedForm,
}

/// Reads a template: `{ts}.{body}`.
///
/// # Errors
/// A sentence for the operator.
pub(super) fn parse(template: &str, app_key: Option<&str>) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some(start) = rest.find('{') {
        if start > 0 {
            parts.push(Part::Text(rest[..start].into()));
        }
        let Some(length) = rest[start..].find('}') else {
            return Err(format!("`signed` has a `{{` without a `}}`: `{template}`"));
        };
        let name = &rest[start + 1..start + length];
        parts.push(match name {
            "body" => Part::Body,
            "ts" => Part::Timestamp,
            "id" => Part::Id,
            "url" => Part::Url,
            "method" => Part::Method,
            "sorted_form" => Part::SortedForm,
            "app_key" => {
                let key = app_key.filter(|it| !it.is_empty());
                Part::Text(key.ok_or("`app_key` is missing: it is signed too")?.into())
            }
            _ => match name.strip_prefix("header:").filter(|it| !it.is_empty()) {
                Some(header) => Part::Header(header.to_ascii_lowercase().into()),
                None => {
                    return Err(format!(
                        "`signed` cannot hold `{{{name}}}`; there are {{body}}, {{ts}}, {{id}}, \
                         {{url}}, {{method}}, {{header:X}}, {{sorted_form}}, {{app_key}}"
                    ));
                }
            },
        });
        rest = &rest[start + length + 1..];
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.into()));
    }
    Ok(parts)
}

/// The fields of a form, sorted by name and written one after the other without anything between:
/// what Twilio signs. A field that is there twice with one value counts once, as in Twilio's
/// own libraries.
pub(super) fn sorted_form(body: &[u8]) -> String {
    let mut fields: Vec<(Cow<'_, str>, Cow<'_, str>)> = form_urlencoded::parse(body).collect();
    fields.sort();
    fields.dedup();
    fields.iter().flat_map(|(name, value)| [&**name, &**value]).collect()
}

/// Whether the body is a form.
pub(super) fn is_form<State>(request: &Request<State>) -> bool {
    let media = request.headers.get("content-type").unwrap_or_default();
    media.trim_start().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_says_what_is_signed() {
        let parts = parse("v0:{ts}:{header:X-Id}{body}", None).unwrap();
        assert_eq!(
            parts,
            [
                Part::Text("v0:".into()),
                Part::Timestamp,
                Part::Text(":".into()),
                Part::Header("x-id".into()),
                Part::Body,
            ]
        );
        assert_eq!(parse("{app_key}", Some("k")).unwrap(), [Part::Text("k".into())]);
        for (template, reason) in [
            ("{bdy}", "cannot hold `{bdy}`"),
            ("{header:}", "cannot hold `{header:}`"),
            ("{body", "without a `}`"),
            ("{app_key}{body}", "`app_key` is missing"),
        ] {
            assert!(parse(template, None).unwrap_err().contains(reason), "{template}");
        }
    }
}
