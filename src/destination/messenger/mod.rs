//! Messenger and Instagram: messages of a page or an account, through Meta's Send API.

mod answer;
mod content;
mod recipient;
mod send;
#[cfg(test)]
mod tests;

pub(super) use send::MessengerSend;
