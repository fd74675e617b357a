//! The only HTTP client, for what goes out.

use std::time::Duration;

/// A client with the gateway's rules: no redirects, no proxies from the environment, time-outs.
///
/// # Errors
/// When the system has no certificates to trust.
pub fn client(timeout: Duration) -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .connect_timeout(Duration::from_secs(2))
        .timeout(timeout)
        .user_agent(concat!("sluicegate/", env!("CARGO_PKG_VERSION")))
        .build()
}
