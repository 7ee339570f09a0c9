//! The integration tests, one module per scenario.

mod application_data;
mod assembly;
mod auto_traits;
mod corruption;
mod crafted;
mod data;
mod faulty;
mod format_figures;
mod golden;
mod limits;
mod outcomes;
mod progress;
mod properties;
mod reuse;
mod round_trip;
mod specification;
mod steps;
mod truncation;
