//! The integration tests, one module per scenario.

mod assembly;
mod data;
mod golden;
mod properties;
mod round_trip;
mod specification;
mod steps;
