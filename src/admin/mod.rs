//! The admin API, on loopback.
