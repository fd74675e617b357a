//! What a passed check proves of a request.

/// What a passed check proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// Nothing: anybody can send.
    Nothing,
    /// The sender knows the secret. The body could have been changed on the way.
    Sender,
    /// The sender was given the URL, not long ago.
    SenderAndTime,
    /// The body is as it was sent. It could have been sent long ago.
    Body,
    /// The body is as it was sent, just now.
    BodyAndTime,
    /// Nobody sends: the gateway asked the provider itself.
    Polled,
}

impl Proof {
    /// One sentence for `docs/providers.md` and the operator.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Nothing => "Proves nothing: anybody who knows the URL can send.",
            Self::Sender => "Proves the sender, not the body.",
            Self::SenderAndTime => "Proves the sender and the time, not the body.",
            Self::Body => "Proves the sender and the body; a replay looks genuine.",
            Self::BodyAndTime => "Proves the sender, the body and the time.",
            Self::Polled => "Nobody sends: the gateway asks the provider itself.",
        }
    }

    /// Whether a changed body is noticed.
    pub const fn covers_body(self) -> bool {
        matches!(self, Self::Body | Self::BodyAndTime)
    }

    /// Whether a request of long ago is noticed.
    pub const fn covers_time(self) -> bool {
        matches!(self, Self::SenderAndTime | Self::BodyAndTime)
    }
}
