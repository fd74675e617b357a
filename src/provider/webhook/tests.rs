//! What a webhook source tells, and what it asks.
