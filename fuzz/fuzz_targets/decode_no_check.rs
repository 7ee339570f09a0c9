//! Any payload of any mode, in a block whose checks are right: what lies behind the checks must hold by itself.
#![no_main]

use crc::{CRC_32_ISCSI, Crc};
use libfuzzer_sys::fuzz_target;
use ranstream::{
    block,
    format::{BlockHeader, BlockMode},
};

const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

fuzz_target!(|input: (u8, u16, &[u8])| {
    let (mode, more, payload) = input;
    let (_, mode, _) = BlockMode::ALL[usize::from(mode) % BlockMode::ALL.len()];
    if payload.is_empty() {
        return;
    }
    let raw_len = payload.len() + usize::from(more);
    let header = BlockHeader::Data { mode, raw_len, payload_len: payload.len() }.to_bytes();
    let mut bytes = header.to_vec();
    bytes.extend(payload);
    bytes.extend(CRC.checksum(&bytes).to_le_bytes());
    let mut raw = vec![0; raw_len];
    if let Ok(len) = block::decode(&bytes, &mut raw) {
        assert_eq!(len, raw_len);
    }
});
