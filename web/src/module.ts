/** The parts, each a `.wasm`: whoever only reads streams does not load the others. */
export type Part = "decode" | "encode" | "file" | "gpu";

/** Where a `.wasm` comes from. */
export type WasmSource = WebAssembly.Module | BufferSource | Response | URL | string;

const NAMES: Record<Part, string> = { decode: "ranstream.wasm", encode: "ranstream-encoder.wasm", file: "ranstream-file.wasm", gpu: "ranstream-gpu.wasm" };

const modules: Partial<Record<Part, Promise<WebAssembly.Module>>> = {};

/**
 * Says where the `.wasm` files come from, where they are not beside this module, and loads them.
 * Without it each part is loaded when it is first used.
 */
export async function init(sources: Partial<Record<Part, WasmSource>> = {}): Promise<void> {
  for (const part of ["decode", "encode", "file", "gpu"] as const) {
    const source = sources[part];
    if (source !== undefined) modules[part] = compile(source);
  }
  await Promise.all(Object.values(modules));
}

/** The compiled part. A failed load is tried again the next time. */
export function load(part: Part): Promise<WebAssembly.Module> {
  const module = modules[part] ?? compile(new URL(NAMES[part], import.meta.url));
  modules[part] = module;
  module.catch(() => delete modules[part]);
  return module;
}

/** An instance with memory of its own: what one stream does, no other sees. */
export async function instantiate(part: Part): Promise<WebAssembly.Instance> {
  return WebAssembly.instantiate(await load(part));
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
