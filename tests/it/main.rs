//! The integration tests, one module per scenario.

mod assembly;
mod corruption;
mod crafted;
mod data;
mod faulty;
mod faulty_io;
mod golden;
mod misuse;
mod outcomes;
mod properties;
mod round_trip;
mod steps;
mod truncation;
