//! The integration tests, one module per scenario.

mod application_data;
mod assembly;
mod auto_traits;
mod corruption;
mod crafted;
mod data;
mod environment;
mod faulty;
mod faulty_io;
mod format_figures;
mod golden;
mod limits;
mod misuse;
mod outcomes;
#[cfg(feature = "rayon")]
mod parallel;
mod progress;
mod properties;
mod recover;
mod reuse;
mod round_trip;
mod seek;
mod specification;
mod steps;
mod truncation;
