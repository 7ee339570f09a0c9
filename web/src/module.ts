/** The two halves, each a `.wasm`: whoever only reads streams does not load the encoder. */
export type Half = "decode" | "encode";

/** Where a `.wasm` comes from. */
export type WasmSource = WebAssembly.Module | BufferSource | Response | URL | string;

const NAMES: Record<Half, string> = { decode: "ranstream.wasm", encode: "ranstream-encoder.wasm" };

const modules: Partial<Record<Half, Promise<WebAssembly.Module>>> = {};

/**
 * Says where the `.wasm` files come from, where they are not beside this module, and loads them.
 * Without it each half is loaded when it is first used.
 */
export async function init(sources: Partial<Record<Half, WasmSource>> = {}): Promise<void> {
  for (const half of ["decode", "encode"] as const) {
    const source = sources[half];
    if (source !== undefined) modules[half] = compile(source);
  }
  await Promise.all(Object.values(modules));
}

/** The compiled half. A failed load is tried again the next time. */
export function load(half: Half): Promise<WebAssembly.Module> {
  const module = modules[half] ?? compile(new URL(NAMES[half], import.meta.url));
  modules[half] = module;
  module.catch(() => delete modules[half]);
  return module;
}

/** An instance with memory of its own: what one stream does, no other sees. */
export async function instantiate(half: Half): Promise<WebAssembly.Instance> {
  return WebAssembly.instantiate(await load(half));
}

async function compile(source: WasmSource): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return source;
  if (typeof source === "string" || source instanceof URL) {
    const url = new URL(source, import.meta.url);
    // Node's fetch reads no files.
    if (url.protocol === "file:") {
      const { readFile } = await import("node:fs/promises" as string);
      return WebAssembly.compile(await readFile(url));
    }
    source = await fetch(url);
  }
  if (!(source instanceof Response)) return WebAssembly.compile(source as BufferSource);
  if (!source.ok) throw new Error(`${source.url}: ${source.status} ${source.statusText}`);
  // A server that does not know .wasm gives it another type, which the streaming compiler refuses.
  const type = source.headers.get("content-type") ?? "";
  return type.startsWith("application/wasm")
    ? WebAssembly.compileStreaming(source)
    : WebAssembly.compile(await source.arrayBuffer());
}
