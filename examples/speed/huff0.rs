//! Huff0, the Huffman coder inside zstd, through the library's own symbols: the peer that the ratios are against.

#![allow(unsafe_code)]

use std::ffi::c_void;

// Links the C library that holds the symbols below.
use zstd_sys as _;

/// The most bytes that one Huff0 block takes.
const BLOCK_LEN: usize = 128 << 10;

/// Lets Huff0 use BMI2 and its assembly, as zstd does where the processor has it.
const BMI2: i32 = 1;

const TABLE_LOG: u32 = 11;

unsafe extern "C" {
    fn HUF_compress4X_repeat(
        dst: *mut c_void,
        dst_size: usize,
        src: *const c_void,
        src_size: usize,
        max_symbol: u32,
        table_log: u32,
        workspace: *mut c_void,
        workspace_size: usize,
        table: *mut usize,
        repeat: *mut i32,
        flags: i32,
    ) -> usize;
    fn HUF_decompress4X_hufOnly_wksp(
        table: *mut u32,
        dst: *mut c_void,
        dst_size: usize,
        src: *const c_void,
        src_size: usize,
        workspace: *mut c_void,
        workspace_size: usize,
        flags: i32,
    ) -> usize;
}

/// Working memory, and the blocks of what was coded last.
pub struct Huff0 {
    workspace: Vec<u64>,
    encoder_table: Vec<usize>,
    decoder_table: Vec<u32>,
    coded: Vec<u8>,
    /// Coded length of each block; 0 for one that Huff0 leaves raw.
    lens: Vec<usize>,
}

impl Huff0 {
    pub fn new() -> Self {
        Self {
            workspace: vec![0; 2048],
            encoder_table: vec![0; 258],
            decoder_table: vec![0; 1 + (1 << 12)],
            coded: Vec::new(),
            lens: Vec::new(),
        }
    }

    /// Codes `raw`; how many bytes that takes, without framing, comes back.
    pub fn encode(&mut self, raw: &[u8]) -> usize {
        self.coded.resize(raw.len() + BLOCK_LEN, 0);
        self.lens.clear();
        let mut at = 0;
        for block in raw.chunks(BLOCK_LEN) {
            let room = &mut self.coded[at..];
            let mut repeat = 0;
            // SAFETY: every pointer comes with the size of the live buffer that it points to, and the workspace and table are as large as huf.h asks.
            let len = unsafe {
                HUF_compress4X_repeat(
                    room.as_mut_ptr().cast(),
                    room.len(),
                    block.as_ptr().cast(),
                    block.len(),
                    255,
                    TABLE_LOG,
                    self.workspace.as_mut_ptr().cast(),
                    8 * self.workspace.len(),
                    self.encoder_table.as_mut_ptr(),
                    &raw mut repeat,
                    BMI2,
                )
            };
            let coded = len > 1 && len < block.len();
            if !coded {
                room[..block.len()].copy_from_slice(block);
            }
            self.lens.push(if coded { len } else { 0 });
            at += if coded { len } else { block.len() };
        }
        at
    }

    /// Decodes what was coded last to `raw`, which has the same length.
    pub fn decode(&mut self, raw: &mut [u8]) {
        let mut at = 0;
        for (block, &len) in raw.chunks_mut(BLOCK_LEN).zip(&self.lens) {
            if len == 0 {
                block.copy_from_slice(&self.coded[at..at + block.len()]);
                at += block.len();
                continue;
            }
            let coded = &self.coded[at..at + len];
            self.decoder_table[0] = 12 * 0x0100_0001;
            // SAFETY: as above; the first entry of the table says how large it is.
            let decoded = unsafe {
                HUF_decompress4X_hufOnly_wksp(
                    self.decoder_table.as_mut_ptr(),
                    block.as_mut_ptr().cast(),
                    block.len(),
                    coded.as_ptr().cast(),
                    coded.len(),
                    self.workspace.as_mut_ptr().cast(),
                    8 * self.workspace.len(),
                    BMI2,
                )
            };
            assert_eq!(decoded, block.len(), "Huff0 cannot read its own block");
            at += len;
        }
    }
}
