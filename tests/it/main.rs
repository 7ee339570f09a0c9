//! The integration tests, one module per scenario.

mod application_data;
mod assembly;
#[cfg(feature = "codec")]
mod async_codec;
#[cfg(all(feature = "futures-io", feature = "tokio"))]
mod async_flavours;
#[cfg(all(feature = "futures-io", feature = "tokio"))]
mod async_protocol;
#[cfg(all(feature = "futures-io", feature = "tokio"))]
mod async_scenarios;
#[cfg(all(feature = "futures-io", feature = "tokio"))]
mod async_sockets;
#[cfg(all(feature = "futures-io", feature = "tokio"))]
mod async_wire;
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
