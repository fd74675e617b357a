//! WhatsApp: what is sent by Meta's Cloud API.

mod answer;
mod config;
mod payload;
mod send;
#[cfg(test)]
mod tests;

pub(super) use send::Send;
