//! The integration tests, one module per scenario.

mod assembly;
mod data;
