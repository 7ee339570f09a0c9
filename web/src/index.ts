/**
 * ranstream in browsers and Node: any byte stream into a compressed stream, and back.
 *
 * @module
 */
import { serveIfWorker } from "./workers.js";

export { blocks, type BlockInfo } from "./inspect.js";
export { compress, decompress } from "./buffers.js";
export { RansDecoderStream, RansEncoderStream } from "./streams.js";
export { decodeToBuffer, deviceFor, type GpuDecoded, type GpuForm, type GpuOptions, type GpuRange } from "./gpu.js";
export { RansError, type RansErrorCode } from "./error.js";
export { RansFile, type FileOptions } from "./file.js";
export { init, type WasmSource } from "./module.js";
export type { Bytes } from "./bytes.js";
export type { DecodeOptions, EncodeOptions, Layout, Mode, WorkerOptions } from "./options.js";
export type { RansSource, RequestOptions } from "./source.js";

void serveIfWorker();
