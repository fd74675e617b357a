//! FlowIQ: messages into its WhatsApp conversations.

mod answer;
mod content;
mod send;
#[cfg(test)]
mod tests;

pub(super) use send::FlowIqSend;
