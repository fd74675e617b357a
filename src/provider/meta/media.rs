//! Files that customers send: `WhatsApp` tells their ids, the other products where they are.
//!
//! Source: <https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media>.

use super::super::Download;
use super::Product;
use crate::client::Response;
use crate::client::graph::{self, payload};
use crate::config::Secret;
use crate::event::facts::{Facts, Media};

/// How files are fetched.
pub(super) struct Files {
    access_token: Secret,
    base_url: String,
    /// The operator named where the Graph API is.
    is_named: bool,
}

impl Files {
    /// # Errors
    /// A sentence for the operator.
    pub(super) fn new(access_token: Secret, base_url: Option<String>) -> Result<Self, String> {
        if !access_token.expose().bytes().all(|it| it.is_ascii_graphic()) {
            return Err("`access_token` holds what no token does: a space, or a line break".into());
        }
        let is_named = base_url.is_some();
        let base_url = base_url.unwrap_or_else(|| graph::API.base_url.unwrap_or_default().into());
        if !["https://", "http://"].iter().any(|it| base_url.starts_with(it)) {
            return Err("`base_url` is a URL, as in https://graph.facebook.com/v25.0".to_owned());
        }
        let base_url = base_url.trim_end_matches('/').to_owned();
        Ok(Self { access_token, base_url, is_named })
    }

    /// See [`Provider::download`](super::super::Provider::download).
    pub(super) fn download(&self, facts: &Facts, file: &Media) -> Result<Option<Download>, String> {
        if facts.channel.provider != Product::WhatsApp.name() {
            return Ok(file.url.as_deref().and_then(Download::at));
        }
        let is_id =
            |it: &&String| !it.is_empty() && it.bytes().all(|it| it.is_ascii_alphanumeric());
        let Some(id) = file.id.as_ref().filter(is_id) else { return Ok(None) };
        if self.access_token.is_empty() {
            return Err("its source needs an `access_token` to fetch files".to_owned());
        }
        let (token, named) = (self.access_token.clone(), self.is_named);
        let home = format!("{}/", origin(&self.base_url));
        let mut place = Download::get(format!("{}/{id}", self.base_url), Some(&token));
        place.trusted = named;
        place.is_gone = is_gone;
        place.next = Some(Box::new(move |answer| {
            let file: payload::Media = serde_json::from_slice(&answer.body)
                .map_err(|_| "Meta does not say where it is".to_owned())?;
            let trusted = named && file.url.starts_with(&home);
            // The token goes to Meta alone, and over nothing that others can read.
            if !trusted && !file.url.starts_with("https://") {
                return Err("Meta says it is at no `https://` address".to_owned());
            }
            Ok(Download { trusted, is_gone, ..Download::get(file.url, Some(&token)) })
        }));
        Ok(Some(place))
    }
}

/// Whether the Graph API says that there is no such object, or none any more.
fn is_gone(answer: &Response) -> bool {
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    answer.status == 400 && body["error"]["code"] == 100
}

/// The scheme, host and port of a URL.
fn origin(url: &str) -> &str {
    let start = url.find("://").map_or(0, |it| it + 3);
    url[start..].find(['/', '?', '#']).map_or(url, |end| &url[..start + end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::facts::Channel;

    fn facts(product: Product) -> Facts {
        let channel = Channel { provider: product.name().to_owned(), ..Channel::default() };
        Facts { channel, ..Facts::default() }
    }

    fn file(id: &str, url: Option<&str>) -> Media {
        Media { id: Some(id.to_owned()), url: url.map(str::to_owned), ..Media::default() }
    }

    fn answer(url: &str) -> Response {
        let body = serde_json::json!({ "id": "1", "url": url }).to_string();
        Response { status: 200, body: body.into(), ..Response::default() }
    }

    #[test]
    fn a_file_of_whatsapp_is_asked_for_first_and_the_token_goes_to_meta_alone() {
        let files = Files::new(Secret::new("token"), None).unwrap();
        let place = files.download(&facts(Product::WhatsApp), &file("123", None));
        let place = place.unwrap().unwrap();
        assert_eq!(place.request.url, "https://graph.facebook.com/v25.0/123");
        assert_eq!(place.request.headers[0].1.expose(), "Bearer token");
        let next = place.next.unwrap();
        let found = next(&answer("https://lookaside.fbsbx.com/1")).unwrap();
        assert_eq!(found.request.url, "https://lookaside.fbsbx.com/1");
        assert_eq!(found.request.headers[0].1.expose(), "Bearer token");
        assert!(!found.trusted && found.next.is_none());
        assert!(next(&answer("http://lookaside.fbsbx.com/1")).is_err());
        assert!(next(&Response::default()).is_err());
    }

    #[test]
    fn only_what_the_operator_named_may_be_private() {
        let home = Some("http://127.0.0.1:1/graph".to_owned());
        let files = Files::new(Secret::new("token"), home).unwrap();
        let place = files.download(&facts(Product::WhatsApp), &file("123", None));
        let next = place.unwrap().unwrap().next.unwrap();
        assert!(next(&answer("http://127.0.0.1:1/file")).unwrap().trusted);
        assert!(!next(&answer("https://127.0.0.1:2/file")).unwrap().trusted);
        assert!(next(&answer("http://127.0.0.1:11/file")).is_err());
    }

    #[test]
    fn files_of_other_products_are_fetched_without_the_token() {
        let files = Files::new(Secret::default(), None).unwrap();
        let whatsapp = facts(Product::WhatsApp);
        assert!(files.download(&whatsapp, &file("123", None)).is_err(), "no token");
        assert!(files.download(&whatsapp, &file("../me", None)).unwrap().is_none());
        let told = file("1", Some("https://scontent.example/1"));
        let download = files.download(&facts(Product::Messenger), &told).unwrap().unwrap();
        assert_eq!(download.request.url, "https://scontent.example/1");
        assert!(download.request.headers.is_empty());
    }
}
