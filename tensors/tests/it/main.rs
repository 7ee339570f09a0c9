//! Archives, headers and shards from outside.

mod archive;
mod base;
mod damage;
mod files;
mod fuzzed;
mod gguf;
mod large;
mod reads;
mod safetensors;
mod shards;
mod writer;
