//! Telegram: what a bot sends by the Bot API.

mod answer;
mod method;
mod payload;
mod send;
#[cfg(test)]
mod tests;

pub(super) use send::Send;
