//! The journal: what is durable.
