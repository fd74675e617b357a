//! Configuration: `routes.yaml`, read into the gateway's parts.

mod secret;
mod yaml;
mod diagnostic;
mod conceal;
mod interpolate;

pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use interpolate::Environment;
pub use secret::Secret;
pub use yaml::Span;
