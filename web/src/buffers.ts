import { asBytes, chunksOf, join, type Bytes } from "./bytes.js";
import { decoding, encoding, type Coding } from "./coding.js";
import { RansError } from "./error.js";
import type { DecodeOptions, EncodeOptions } from "./options.js";

const DEFAULT_MEMORY = 2 ** 30;

/** Codes `raw` as one stream. */
export async function compress(raw: Bytes, options: EncodeOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  return collect(encoding(options), raw, Infinity);
}

/**
 * Decodes all streams in `stream`. The result is no longer than `maxMemory`.
 *
 * @throws {RansError} what the stream has against it. A {@link RansDecoderStream} gives the bytes
 * before that as well.
 */
export async function decompress(stream: Bytes, options: DecodeOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  return collect(decoding(options), stream, options.maxMemory ?? DEFAULT_MEMORY);
}

async function collect(coding: Coding, bytes: Bytes, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks = [];
  let len = 0;
  for await (const chunk of coding(chunksOf(asBytes(bytes)))) {
    len += chunk.length;
    if (len > most) throw new RansError("limit-exceeded", `memory of ${len} bytes exceeds the limit of ${most}`);
    chunks.push(chunk);
  }
  return join(chunks);
}
