// Bundles the sources into dist/ranstream.js, beside the .wasm files that scripts/web.sh builds.
import { build } from "esbuild";

await build({
  entryPoints: ["src/index.ts"],
  outfile: "dist/ranstream.js",
  bundle: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  // Asked for where there is a Node, and nowhere else.
  external: ["node:*"],
  legalComments: "none",
});
