//! How a sender proves itself, as it is written down: `verify:` of a source, and the presets.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::Period;

/// `verify:` of a source: a preset by its name, a scheme of your own, or a preset with some of it
/// otherwise.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Verify {
    /// A scheme by its name: `meta`, `github`, `stripe`, `standard_webhooks`, `token`, `bearer`,
    /// `basic`, `path`, `none`, … The page of providers lists them all.
    pub(crate) preset: Option<String>,
    /// What proves the sender.
    pub(crate) method: Option<Method>,
    /// The header that holds the signature or the token.
    pub(crate) header: Option<String>,
    /// What stands before the signature or the token, such as `sha256=`.
    pub(crate) prefix: Option<String>,
    /// How the header is written.
    pub(crate) form: Option<Form>,
    /// Between the pairs of a list; a comma by default.
    pub(crate) separator: Option<String>,
    /// The name of the signature in a list of pairs, or its version in a list of versions, such
    /// as `v1`. It may occur several times: one of them has to match.
    pub(crate) signature: Option<String>,
    /// The name of the timestamp in a list of pairs, such as `t`.
    pub(crate) timestamp: Option<String>,
    /// The header that holds the timestamp, where it has one of its own.
    pub(crate) timestamp_header: Option<String>,
    /// The unit of the timestamp.
    pub(crate) timestamp_unit: Option<Unit>,
    /// How far the timestamp may lie from now, before or after.
    pub(crate) tolerance: Option<Period>,
    /// The header that holds the message's id, where it is signed too.
    pub(crate) id_header: Option<String>,
    /// The hash function.
    pub(crate) hash: Option<Hash>,
    /// How the signature is written.
    pub(crate) encoding: Option<Encoding>,
    /// What is signed: `{body}`, `{ts}`, `{id}`, `{url}`, `{method}`, `{header:X-Name}`,
    /// `{sorted_form}`, `{app_key}`, and text between them.
    pub(crate) signed: Option<String>,
    /// How the secrets are written.
    pub(crate) key: Option<KeyForm>,
    /// What `{app_key}` stands for: a public id of your application that is signed too.
    pub(crate) app_key: Option<String>,
}

/// What proves the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Method {
    /// A signature.
    Signature,
    /// A shared token in a header.
    Token,
    /// HTTP Basic; the secret is `user:password`.
    Basic,
    /// The last part of the URL: `/hooks/<source>/<secret>`.
    Path,
    /// Nothing: anybody can send.
    None,
}

/// How a header holds its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Form {
    /// The signature alone, after the prefix.
    Value,
    /// A list of pairs: `t=1492774577,v1=5257a8…`.
    Pairs,
    /// A list of versions: `v1,g0hM9SsE… v1a,…`.
    Versions,
}

/// The unit of a timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub(crate) enum Unit {
    /// Seconds since 1970.
    #[serde(rename = "s")]
    Seconds,
    /// Milliseconds since 1970.
    #[serde(rename = "ms")]
    Milliseconds,
}

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Hash {
    /// HMAC-SHA1, for senders that have nothing better.
    Sha1,
    /// HMAC-SHA256.
    Sha256,
    /// HMAC-SHA512.
    Sha512,
    /// Ed25519; the secrets are public keys.
    Ed25519,
}

/// How bytes are written as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Encoding {
    /// Hexadecimal, in either case.
    Hex,
    /// Base64, with padding.
    Base64,
}

/// How a secret is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeyForm {
    /// The key is the secret's text.
    Text,
    /// The key is Base64, after `whsec_` where that stands before it.
    Base64,
    /// The key is hexadecimal.
    Hex,
}

/// The tolerance of schemes whose vendor states none: what Stripe, Slack and Svix use.
pub(crate) const TOLERANCE: Duration = Duration::from_mins(5);

/// A named scheme.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// Whose it is, for the reference page.
    pub whose: &'static str,
    pub(super) method: Method,
    pub(super) header: &'static str,
    pub(super) prefix: &'static str,
    pub(super) form: Form,
    pub(super) separator: &'static str,
    pub(super) signature: &'static str,
    pub(super) timestamp: &'static str,
    pub(super) timestamp_header: &'static str,
    pub(super) timestamp_unit: Unit,
    pub(super) id_header: &'static str,
    pub(super) hash: Hash,
    pub(super) encoding: Encoding,
    pub(super) signed: &'static str,
    pub(super) key: KeyForm,
}

/// A bare HMAC-SHA256 of the body in hexadecimal: what most senders do.
const SIGNATURE: Preset = Preset {
    name: "signature",
    whose: "Any sender that signs; say how with the other settings",
    method: Method::Signature,
    header: "X-Signature",
    prefix: "",
    form: Form::Value,
    separator: ",",
    signature: "v1",
    timestamp: "t",
    timestamp_header: "",
    timestamp_unit: Unit::Seconds,
    id_header: "",
    hash: Hash::Sha256,
    encoding: Encoding::Hex,
    signed: "{body}",
    key: KeyForm::Text,
};

/// A token in a header.
const TOKEN: Preset = Preset {
    name: "token",
    whose: "Any sender that can set a header",
    method: Method::Token,
    header: "X-Webhook-Token",
    signed: "",
    ..SIGNATURE
};

/// Every preset. The sources of each scheme stand beside it.
pub const PRESETS: &[Preset] = &[
    SIGNATURE,
    // developers.facebook.com: X-Hub-Signature-256 over the raw body, with the app's secret.
    Preset {
        name: "meta",
        whose: "WhatsApp, Messenger, Instagram, lead ads",
        header: "X-Hub-Signature-256",
        prefix: "sha256=",
        ..SIGNATURE
    },
    // Meta before 2021; Intercom signs so still.
    Preset {
        name: "meta_sha1",
        whose: "Intercom, and Meta's former scheme",
        header: "X-Hub-Signature",
        prefix: "sha1=",
        hash: Hash::Sha1,
        ..SIGNATURE
    },
    // docs.github.com: validating webhook deliveries.
    Preset {
        name: "github",
        whose: "GitHub",
        header: "X-Hub-Signature-256",
        prefix: "sha256=",
        ..SIGNATURE
    },
    // FlowBot's API documentation: the output of `openssl dgst`, without a prefix.
    Preset { name: "flowbot", whose: "FlowBot AI leads", header: "X-Signature-256", ..SIGNATURE },
    // shopify.dev: the client secret, Base64.
    Preset {
        name: "shopify",
        whose: "Shopify",
        header: "X-Shopify-Hmac-SHA256",
        encoding: Encoding::Base64,
        ..SIGNATURE
    },
    // docs.stripe.com: any `v1`; `v0` is ignored.
    Preset {
        name: "stripe",
        whose: "Stripe",
        header: "Stripe-Signature",
        form: Form::Pairs,
        signed: "{ts}.{body}",
        ..SIGNATURE
    },
    // developers.tiktok.com: webhooks verification. It states no tolerance.
    Preset {
        name: "tiktok",
        whose: "TikTok for Developers, TikTok Business Messaging",
        header: "TikTok-Signature",
        form: Form::Pairs,
        signature: "s",
        signed: "{ts}.{body}",
        ..SIGNATURE
    },
    // TikTok Shop's partner documentation; `app_key` is the application's public key.
    Preset {
        name: "tiktok_shop",
        whose: "TikTok Shop; needs `app_key`",
        header: "Authorization",
        signed: "{app_key}{body}",
        ..SIGNATURE
    },
    // docs.ycloud.com: webhook signatures.
    Preset {
        name: "ycloud",
        whose: "YCloud",
        header: "YCloud-Signature",
        form: Form::Pairs,
        signature: "s",
        signed: "{ts}.{body}",
        ..SIGNATURE
    },
    // api.slack.com: verifying requests from Slack.
    Preset {
        name: "slack",
        whose: "Slack",
        header: "X-Slack-Signature",
        prefix: "v0=",
        timestamp_header: "X-Slack-Request-Timestamp",
        signed: "v0:{ts}:{body}",
        ..SIGNATURE
    },
    // standardwebhooks.com; `v1a` is asymmetric and passed over.
    Preset {
        name: "standard_webhooks",
        whose: "Standard Webhooks",
        header: "webhook-signature",
        form: Form::Versions,
        timestamp_header: "webhook-timestamp",
        id_header: "webhook-id",
        encoding: Encoding::Base64,
        signed: "{id}.{ts}.{body}",
        key: KeyForm::Base64,
        ..SIGNATURE
    },
    // docs.svix.com: the same with headers of its own.
    Preset {
        name: "svix",
        whose: "Svix",
        header: "svix-signature",
        form: Form::Versions,
        timestamp_header: "svix-timestamp",
        id_header: "svix-id",
        encoding: Encoding::Base64,
        signed: "{id}.{ts}.{body}",
        key: KeyForm::Base64,
        ..SIGNATURE
    },
    // twilio.com/docs/usage/security: a JSON body is covered by `bodySHA256` of the URL.
    Preset {
        name: "twilio",
        whose: "Twilio",
        header: "X-Twilio-Signature",
        hash: Hash::Sha1,
        encoding: Encoding::Base64,
        signed: "{url}{sorted_form}",
        ..SIGNATURE
    },
    // developers.line.biz: signature validation.
    Preset {
        name: "line",
        whose: "LINE",
        header: "X-Line-Signature",
        encoding: Encoding::Base64,
        ..SIGNATURE
    },
    // developers.hubspot.com: v3, milliseconds.
    Preset {
        name: "hubspot",
        whose: "HubSpot, version 3",
        header: "X-HubSpot-Signature-v3",
        timestamp_header: "X-HubSpot-Request-Timestamp",
        timestamp_unit: Unit::Milliseconds,
        encoding: Encoding::Base64,
        signed: "{method}{url}{body}{ts}",
        ..SIGNATURE
    },
    // developer.paddle.com: pairs between semicolons.
    Preset {
        name: "paddle",
        whose: "Paddle",
        header: "Paddle-Signature",
        form: Form::Pairs,
        separator: ";",
        signature: "h1",
        timestamp: "ts",
        signed: "{ts}:{body}",
        ..SIGNATURE
    },
    // developer.squareup.com: the URL as registered, then the body.
    Preset {
        name: "square",
        whose: "Square",
        header: "X-Square-HmacSha256-Signature",
        encoding: Encoding::Base64,
        signed: "{url}{body}",
        ..SIGNATURE
    },
    // discord.com/developers: interactions; the secret is the application's public key.
    Preset {
        name: "discord",
        whose: "Discord; the secrets are public keys",
        header: "X-Signature-Ed25519",
        timestamp_header: "X-Signature-Timestamp",
        hash: Hash::Ed25519,
        signed: "{ts}{body}",
        key: KeyForm::Hex,
        ..SIGNATURE
    },
    TOKEN,
    // core.telegram.org/bots/api#setwebhook
    Preset {
        name: "telegram",
        whose: "Telegram",
        header: "X-Telegram-Bot-Api-Secret-Token",
        ..TOKEN
    },
    // docs.gitlab.com: the secret token, unhashed.
    Preset { name: "gitlab", whose: "GitLab", header: "X-Gitlab-Token", ..TOKEN },
    Preset {
        name: "bearer",
        whose: "Any sender that sends `Authorization: Bearer`",
        header: "Authorization",
        prefix: "Bearer ",
        ..TOKEN
    },
    Preset {
        name: "basic",
        whose: "Any sender that sends HTTP Basic; each secret is `user:password`",
        method: Method::Basic,
        header: "Authorization",
        prefix: "Basic ",
        ..TOKEN
    },
    Preset {
        name: "path",
        whose: "Any sender: the URL is `/hooks/<source>/<secret>`",
        method: Method::Path,
        header: "",
        ..TOKEN
    },
    Preset { name: "none", whose: "Anybody at all", method: Method::None, header: "", ..TOKEN },
];

/// The preset of that name.
pub(super) fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|it| it.name == name)
}
