//! The integration tests, one module per scenario.

mod adopters;
mod append;
mod application_data;
mod assembly;
#[cfg(feature = "codec")]
mod async_codec;
#[cfg(all(feature = "futures-io", feature = "tokio"))]
mod async_flavours;
#[cfg(all(feature = "futures-io", feature = "tokio"))]
mod async_interval;
#[cfg(all(feature = "futures-io", feature = "tokio"))]
mod async_network;
#[cfg(all(feature = "futures-io", feature = "tokio"))]
mod async_partitions;
#[cfg(all(feature = "futures-io", feature = "tokio"))]
mod async_protocol;
#[cfg(all(feature = "futures-io", feature = "tokio"))]
mod async_scenarios;
#[cfg(all(feature = "futures-io", feature = "tokio"))]
mod async_seek;
#[cfg(all(feature = "futures-io", feature = "tokio"))]
mod async_sockets;
#[cfg(all(feature = "futures-io", feature = "tokio"))]
mod async_wire;
mod auto_traits;
#[cfg(feature = "rayon")]
mod benchmarks;
#[cfg(feature = "rayon")]
mod callbacks;
mod corruption;
mod crafted;
mod data;
mod environment;
mod faulty;
mod faulty_io;
mod format_figures;
mod golden;
mod killed;
mod limits;
mod matches;
mod misuse;
mod outcomes;
mod outline;
#[cfg(feature = "rayon")]
mod parallel;
mod parts;
mod planes;
mod progress;
mod properties;
mod pulled;
mod recover;
mod reuse;
mod round_trip;
mod runs;
mod seek;
mod seek_index;
mod space;
mod specification;
mod steps;
mod torn_tail;
mod truncation;
#[cfg(feature = "rayon")]
mod under_way;
