//! The calls and their answers, with the simulator as the other side.
