//! Huff0, by the symbols that zstd's library has inside. Benchmarks only: these are no public API.

use std::ffi::c_void;

use super::{
    Codec,
    blocks::{decode_blocks, encode_blocks},
};

/// As zstd cuts blocks.
const BLOCK: usize = 128 << 10;

const TABLE_LOG: u32 = 11;
const FLAG_BMI2: i32 = 1;
const COMPRESS_WORKSPACE: usize = (8 << 10) + 512;
const DECOMPRESS_WORKSPACE: usize = (2 << 10) + (1 << 9);
const DTABLE_LEN: usize = 1 + (1 << 12);

// The types and sizes are those of zstd 1.5's lib/common/huf.h.
unsafe extern "C" {
    fn HUF_compress4X_repeat(
        dst: *mut c_void,
        dst_len: usize,
        src: *const c_void,
        src_len: usize,
        max_symbol: u32,
        table_log: u32,
        workspace: *mut c_void,
        workspace_len: usize,
        table: *mut usize,
        repeat: *mut i32,
        flags: i32,
    ) -> usize;
    fn HUF_decompress4X_hufOnly_wksp(
        table: *mut u32,
        dst: *mut c_void,
        dst_len: usize,
        src: *const c_void,
        src_len: usize,
        workspace: *mut c_void,
        workspace_len: usize,
        flags: i32,
    ) -> usize;
}

/// See [`super::Huff0`].
#[derive(Debug)]
pub struct Huff0 {
    block_len: usize,
    workspace: Vec<u64>,
    encode_table: Vec<usize>,
    decode_table: Vec<u32>,
    flags: i32,
}

impl Default for Huff0 {
    fn default() -> Self {
        Self::with_block_len(BLOCK)
    }
}

impl Huff0 {
    /// Raw bytes of a block, at most 128 KiB.
    #[must_use]
    pub fn with_block_len(block_len: usize) -> Self {
        Self {
            block_len: block_len.min(BLOCK),
            workspace: vec![0; COMPRESS_WORKSPACE.max(DECOMPRESS_WORKSPACE) / 8 + 1],
            encode_table: vec![0; 258],
            decode_table: vec![0; DTABLE_LEN],
            flags: if has_bmi2() { FLAG_BMI2 } else { 0 },
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn has_bmi2() -> bool {
    std::arch::is_x86_feature_detected!("bmi2")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_bmi2() -> bool {
    false
}

impl Codec for Huff0 {
    fn name(&self) -> &'static str {
        "huff0"
    }

    /// A block that huff0 does not shrink is stored.
    fn encode(&mut self, raw: &[u8], coded: &mut Vec<u8>) {
        encode_blocks(raw, self.block_len, coded, |block, coded| {
            let start = coded.len();
            coded.resize(start + block.len(), 0);
            let mut repeat = 0;
            // SAFETY: source and destination are slices of the lengths given; workspace and table
            // have the sizes that huf.h asks for.
            let len = unsafe {
                HUF_compress4X_repeat(
                    coded[start..].as_mut_ptr().cast(),
                    block.len(),
                    block.as_ptr().cast(),
                    block.len(),
                    255,
                    TABLE_LOG,
                    self.workspace.as_mut_ptr().cast(),
                    self.workspace.len() * 8,
                    self.encode_table.as_mut_ptr(),
                    &raw mut repeat,
                    self.flags,
                )
            };
            // 0: incompressible; 1: one symbol; huge: an error, when the output does not fit.
            let len = if (2..block.len()).contains(&len) {
                len
            } else {
                coded[start..].copy_from_slice(block);
                block.len()
            };
            coded.truncate(start + len);
        });
    }

    fn decode(&mut self, coded: &[u8], raw: &mut [u8]) {
        decode_blocks(coded, raw, self.block_len, |payload, block| {
            if payload.len() == block.len() {
                return block.copy_from_slice(payload);
            }
            // As HUF_CREATE_STATIC_DTABLEX2 does.
            self.decode_table[0] = 12 * 0x0100_0001;
            // SAFETY: source and destination are slices of the lengths given; workspace and table
            // have the sizes that huf.h asks for.
            let decoded = unsafe {
                HUF_decompress4X_hufOnly_wksp(
                    self.decode_table.as_mut_ptr(),
                    block.as_mut_ptr().cast(),
                    block.len(),
                    payload.as_ptr().cast(),
                    payload.len(),
                    self.workspace.as_mut_ptr().cast(),
                    self.workspace.len() * 8,
                    self.flags,
                )
            };
            assert_eq!(decoded, block.len(), "huff0 decodes its own");
        });
    }
}
