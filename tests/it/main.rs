//! The integration tests, one module per scenario.

mod assembly;
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
mod data;
