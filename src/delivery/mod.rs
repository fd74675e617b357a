//! Delivery: lanes, attempts, outcomes.
