//! OpenZL: its LZ and its PivCo-Huffman, by its C library. Neither computes a checksum here.
//!
//! The kernels of PivCo-Huffman are called by symbols that the library has inside; these are no
//! public API. Their signatures are those of OpenZL 0.3's `codecs/pivco_huffman`.

use std::{ffi::c_void, ptr};

use openzl_sys as zl;

use super::{
    Codec,
    blocks::{decode_blocks, encode_blocks},
};

/// Which release this is.
pub fn version() -> String {
    [zl::ZL_LIBRARY_VERSION_MAJOR, zl::ZL_LIBRARY_VERSION_MINOR, zl::ZL_LIBRARY_VERSION_PATCH]
        .map(|number| number.to_string())
        .join(".")
}

/// One of OpenZL's standard graphs, by its public interface. Its memory is kept from call to call.
pub struct Graph {
    name: String,
    block_len: usize,
    compressor: *mut zl::ZL_Compressor,
    compress: *mut zl::ZL_CCtx,
    decompress: *mut zl::ZL_DCtx,
}

impl Graph {
    /// Its LZ, with sections that it chooses, over all of the input.
    pub fn lz(level: i32) -> Self {
        Self::new(format!("openzl lz -{level}"), zl::ZL_StandardGraphID_lz, Some(level), usize::MAX)
    }

    /// PivCo-Huffman as shipped: each block a frame.
    pub fn pivco(block_len: usize) -> Self {
        Self::new("openzl pivco, as shipped".into(), zl::ZL_StandardGraphID_huffman_pivco, None, block_len)
    }

    fn new(name: String, graph: zl::ZL_StandardGraphID, level: Option<i32>, block_len: usize) -> Self {
        // SAFETY: they make objects of their own.
        let (compressor, compress, decompress) =
            unsafe { (zl::ZL_Compressor_create(), zl::ZL_CCtx_create(), zl::ZL_DCtx_create()) };
        assert!(!compressor.is_null() && !compress.is_null() && !decompress.is_null(), "memory for OpenZL");
        let disable = zl::ZL_TernaryParam_disable as i32;
        let graph = zl::ZL_GraphID { gid: graph };
        // SAFETY: the objects were made above and are freed with `self` alone.
        unsafe {
            checked(zl::ZL_Compressor_selectStartingGraphID(compressor, graph));
            checked(zl::ZL_CCtx_refCompressor(compress, compressor));
            for (parameter, value) in [
                (zl::ZL_CParam_stickyParameters, 1),
                (zl::ZL_CParam_formatVersion, zl::ZL_MAX_FORMAT_VERSION as i32),
                (zl::ZL_CParam_compressedChecksum, disable),
                (zl::ZL_CParam_contentChecksum, disable),
            ]
            .into_iter()
            .chain(level.map(|level| (zl::ZL_CParam_compressionLevel, level)))
            {
                checked(zl::ZL_CCtx_setParameter(compress, parameter, value));
            }
            checked(zl::ZL_DCtx_setParameter(decompress, zl::ZL_DParam_stickyParameters, 1));
        }
        Self { name, block_len, compressor, compress, decompress }
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        // SAFETY: they are this object's alone; the compressor goes last, it is referred to.
        unsafe {
            zl::ZL_CCtx_free(self.compress);
            zl::ZL_DCtx_free(self.decompress);
            zl::ZL_Compressor_free(self.compressor);
        }
    }
}

impl Codec for Graph {
    fn name(&self) -> &str {
        &self.name
    }

    fn encode(&mut self, raw: &[u8], coded: &mut Vec<u8>) {
        encode_blocks(raw, self.block_len, coded, |block, coded| {
            let start = coded.len();
            // SAFETY: it takes a number and no memory.
            let bound = unsafe { zl::ZL_compressBound(block.len()) };
            coded.resize(start + bound, 0);
            let len = call(zl::ZL_CCtx_compress, self.compress, &mut coded[start..], block);
            coded.truncate(start + len);
        });
    }

    fn decode(&mut self, coded: &[u8], raw: &mut [u8]) {
        decode_blocks(coded, raw, self.block_len, |payload, block| {
            let len = call(zl::ZL_DCtx_decompress, self.decompress, block, payload);
            assert_eq!(len, block.len(), "OpenZL decodes its own");
        });
    }
}

/// What OpenZL codes or decodes with: context, destination, source.
type Call<C> = unsafe extern "C" fn(*mut C, *mut c_void, usize, *const c_void, usize) -> zl::ZL_Report;

/// Fills the start of `dst` from `src`; how many bytes that are comes back. The context is live.
fn call<C>(function: Call<C>, context: *mut C, dst: &mut [u8], src: &[u8]) -> usize {
    // SAFETY: source and destination are slices of the lengths given, and the two callers above
    // hand over contexts that live as long as the codec.
    checked(unsafe { function(context, dst.as_mut_ptr().cast(), dst.len(), src.as_ptr().cast(), src.len()) })
}

/// The value of a report.
fn checked(report: zl::ZL_Report) -> usize {
    // SAFETY: a report is a plain value; it is asked for its value only where it is no error.
    unsafe {
        assert!(zl::ZL_isError(report) == 0, "OpenZL reports error {}", zl::ZL_errorCode(report));
        zl::ZL_validResult(report)
    }
}

/// The chunk length that OpenZL takes.
const CHUNK: usize = 32 << 10;

const SYMBOLS: usize = 256;

/// The longest code.
const TABLE_LOG: u32 = 12;

unsafe extern "C" {
    fn ZS_HIST_count(
        count: *mut u32,
        max_symbol: *mut u32,
        cardinality: *mut u32,
        src: *const c_void,
        len: usize,
    ) -> usize;
    fn ZS_HUF_optimalTableLog(max_table_log: u32, len: usize, max_symbol: u32) -> u32;
    fn ZS_HUF_buildCTable(table: *mut usize, count: *const u32, max_symbol: u32, table_log: u32) -> usize;
    fn ZS_HUF_isError(code: usize) -> u32;
    fn ZS_HUF_getNbBitsFromCTable(table: *const usize, symbol: u32) -> u32;
    fn ZL_PivCoHuffmanEncode_scratchElements(len: usize, chunk: usize) -> usize;
    fn ZL_PivCoHuffmanEncode_bound(len: usize, chunk: usize) -> usize;
    fn ZL_PivCoHuffmanEncode_select(cpuid: *const c_void) -> *const c_void;
    fn ZL_PivCoHuffman_encode(
        dst: *mut u8,
        dst_len: usize,
        scratch: *mut u8,
        scratch_len: usize,
        weights: *const u8,
        weights_len: usize,
        table_log: i32,
        src: *const u8,
        src_len: usize,
        chunk: usize,
        kernels: *const c_void,
    ) -> usize;
    fn ZL_PivCoHuffmanDecode_scratchBytes(len: usize, chunk: usize) -> usize;
    fn ZL_PivCoHuffmanDecode_select(cpuid: *const c_void) -> *const c_void;
    fn ZL_PivCoHuffman_decode(
        dst: *mut u8,
        dst_len: usize,
        scratch: *mut u8,
        scratch_len: usize,
        weights: *const u8,
        weights_len: usize,
        src: *const u8,
        src_len: usize,
        chunk: usize,
        kernels: *const c_void,
    ) -> bool;
}

/// The kernels of PivCo-Huffman, chosen once, without the frame around them. Each block: the count
/// of weights less one, the weights, the bitmaps. OpenZL would code the weights, too, which are at
/// most 256 bytes here.
pub struct PivcoKernels {
    block_len: usize,
    encode: *const c_void,
    decode: *const c_void,
    table: [usize; SYMBOLS + 2],
    scratch: Vec<u8>,
}

impl PivcoKernels {
    pub fn new(block_len: usize) -> Self {
        // SAFETY: without an argument they ask the processor, and return a constant of theirs.
        let (encode, decode, scratch_len) = unsafe {
            (
                ZL_PivCoHuffmanEncode_select(ptr::null()),
                ZL_PivCoHuffmanDecode_select(ptr::null()),
                ZL_PivCoHuffmanEncode_scratchElements(block_len, CHUNK)
                    .max(ZL_PivCoHuffmanDecode_scratchBytes(block_len, CHUNK)),
            )
        };
        Self { block_len, encode, decode, table: [0; SYMBOLS + 2], scratch: vec![0; scratch_len] }
    }

    /// The weights of the symbols up to the highest, and the length of the longest code; that is 0
    /// where there is but one symbol.
    fn weights(&mut self, block: &[u8]) -> (Vec<u8>, u32) {
        let (mut count, mut max_symbol, mut cardinality) = ([0; SYMBOLS], 255, 0);
        // SAFETY: the counts have room for `max_symbol` and what is before it; the block is a slice
        // of the length given.
        unsafe {
            ZS_HIST_count(
                count.as_mut_ptr(),
                &raw mut max_symbol,
                &raw mut cardinality,
                block.as_ptr().cast(),
                block.len(),
            );
        }
        let mut weights = vec![0; max_symbol as usize + 1];
        if cardinality == 1 {
            weights[max_symbol as usize] = 1;
            return (weights, 0);
        }
        // SAFETY: the table has room for 256 symbols.
        let table_log = unsafe {
            let table_log = ZS_HUF_optimalTableLog(TABLE_LOG, block.len(), max_symbol);
            ZS_HUF_buildCTable(self.table.as_mut_ptr(), count.as_ptr(), max_symbol, table_log)
        };
        // SAFETY: it takes a number and no memory.
        assert!(unsafe { ZS_HUF_isError(table_log) } == 0, "OpenZL builds a table");
        for (symbol, weight) in weights.iter_mut().enumerate() {
            // SAFETY: the table was made for these symbols.
            let bits = unsafe { ZS_HUF_getNbBitsFromCTable(self.table.as_ptr(), symbol as u32) };
            *weight = if bits == 0 { 0 } else { (table_log as u32 + 1 - bits) as u8 };
        }
        (weights, table_log as u32)
    }
}

impl Codec for PivcoKernels {
    fn name(&self) -> &'static str {
        "openzl pivco, CPUID once"
    }

    fn encode(&mut self, raw: &[u8], coded: &mut Vec<u8>) {
        encode_blocks(raw, self.block_len, coded, |block, coded| {
            let (weights, table_log) = self.weights(block);
            coded.push((weights.len() - 1) as u8);
            coded.extend_from_slice(&weights);
            let bitmaps = coded.len();
            // SAFETY: it takes numbers and no memory.
            let bound = unsafe { ZL_PivCoHuffmanEncode_bound(block.len(), CHUNK) };
            coded.resize(bitmaps + bound, 0);
            // SAFETY: all are slices of the lengths given; the scratch is as long as it asked for;
            // the weights are of a table of these symbols.
            let len = unsafe {
                ZL_PivCoHuffman_encode(
                    coded[bitmaps..].as_mut_ptr(),
                    bound,
                    self.scratch.as_mut_ptr(),
                    self.scratch.len(),
                    weights.as_ptr(),
                    weights.len(),
                    table_log as i32,
                    block.as_ptr(),
                    block.len(),
                    CHUNK,
                    self.encode,
                )
            };
            assert_ne!(len, usize::MAX, "the bound is enough");
            coded.truncate(bitmaps + len);
        });
    }

    fn decode(&mut self, coded: &[u8], raw: &mut [u8]) {
        decode_blocks(coded, raw, self.block_len, |payload, block| {
            let (weights, bitmaps) = payload[1..].split_at(usize::from(payload[0]) + 1);
            // SAFETY: all are slices of the lengths given; the scratch is as long as it asked for.
            let good = unsafe {
                ZL_PivCoHuffman_decode(
                    block.as_mut_ptr(),
                    block.len(),
                    self.scratch.as_mut_ptr(),
                    self.scratch.len(),
                    weights.as_ptr(),
                    weights.len(),
                    bitmaps.as_ptr(),
                    bitmaps.len(),
                    CHUNK,
                    self.decode,
                )
            };
            assert!(good, "OpenZL decodes its own");
        });
    }
}
