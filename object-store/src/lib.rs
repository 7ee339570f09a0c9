//! Compressed objects of any [`ObjectStore`](object_store::ObjectStore) as their raw bytes.
//!
//! [`RansStore`] shows each object whose name ends in `.rans` with its raw size, and decodes the
//! blocks that a range lies in. An engine that splits files by ranges of bytes so splits compressed
//! ones as well: it reads a CSV file or lines of JSON on all its threads, as it does where they are
//! not compressed. All other objects are as they are.
//!
//! ```
//! use std::sync::Arc;
//!
//! use object_store::{ObjectStoreExt, memory::InMemory, path::Path};
//! use ranstream::{EncodeOptions, compress};
//! use ranstream_object_store::RansStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (inner, path) = (Arc::new(InMemory::new()), Path::from("lines.rans"));
//! let stream = compress(&b"a line\n".repeat(100_000), &EncodeOptions::new().index(true))?;
//! inner.put(&path, stream.into()).await?;
//!
//! let store = RansStore::new(inner);
//! assert_eq!(store.head(&path).await?.size, 700_000);
//! assert_eq!(store.get_range(&path, 350_000..350_007).await?, "a line\n");
//! # Ok(())
//! # }
//! ```
//!
//! `object-store/datafusion` is a program that has `DataFusion` query such files.
//!
//! To open an object costs two reads, its last 64 KiB and its header; what was learned is kept
//! until the object changes. Streams are to have been written with an index: those from a pipe get
//! one by `rans index`.

mod map;
mod pieces;
mod store;

pub use store::RansStore;
