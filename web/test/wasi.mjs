// Runs a program for WASI, as cargo does with a test: `node --no-warnings wasi.mjs PROGRAM
// [ARGUMENTS]`.
import { readFile } from "node:fs/promises";
import { WASI } from "node:wasi";

const [program, ...given] = process.argv.slice(2);
const wasi = new WASI({ version: "preview1", args: [program, ...given], env: process.env, preopens: { ".": "." }, returnOnExit: true });
const module = await WebAssembly.compile(await readFile(program));
process.exitCode = wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject()));
