//! Ingress: HTTP in.
