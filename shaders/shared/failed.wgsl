// Bit s: segment s does not end as the encoder began it.
var<workgroup> failed: atomic<u32>;
