//! Published vectors, and attacks on every preset.

use super::*;
