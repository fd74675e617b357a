//! The only reader of the clock.

use jiff::Timestamp;

/// The present moment. Called at the edges; everything inside takes `now` as an argument.
#[allow(clippy::disallowed_methods)]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// A moment as microseconds since 1970, as the store keeps it.
pub fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// The inverse of [`micros`]; a value out of range becomes the nearest moment there is.
pub fn from_micros(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(if micros < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}
