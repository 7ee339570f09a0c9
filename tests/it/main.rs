//! The integration tests, one module per scenario.

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
mod data;
