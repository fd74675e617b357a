//! Configuration: `routes.yaml`, read into the gateway's parts.

mod secret;

pub use secret::Secret;
