// Bundles the page: `node build.js WASM-FOLDER SHELL PAGE`, with the npm packages in $PLAYGROUND_MODULES.
//
// PAGE is one file with all in it, so that it works from any file server, from any folder, from the disk and offline. SHELL
// is the same without the WebAssembly module, which whoever serves it puts in. The file `weight` beside the module gets the
// bytes that PAGE weighs compressed.

import {createHash} from "node:crypto";
import {existsSync, readFileSync, readdirSync, writeFileSync} from "node:fs";
import {createRequire} from "node:module";
import {dirname, join} from "node:path";
import {fileURLToPath} from "node:url";
import {deflateRawSync, gzipSync} from "node:zlib";

const [wasm, shell, page] = process.argv.slice(2);
const modules = process.env.PLAYGROUND_MODULES;
const here = dirname(fileURLToPath(import.meta.url));
const {buildSync, transformSync, build} = createRequire(join(modules, "build.js"))("esbuild");

const read = (...path) => readFileSync(join(...path), "utf8");
const common = {
  bundle: true, minify: true, write: false, format: "iife", target: "es2022", nodePaths: [modules], logLevel: "warning",
  charset: "utf8", legalComments: "none",
};

/** The cases of docs/examples/gallery, as the page shows them. */
function examples() {
  const gallery = join(here, "../../docs/examples/gallery");
  return readdirSync(gallery).sort().map(name => {
    const config = read(gallery, name, "ambassador.yaml");
    const [, title, about] = config.match(/^# ([^:]*): (.*)/);
    const request = join(gallery, name, "request.http");
    return {
      name: name.replace(/^\d+-/, ""), title, about, config,
      request: existsSync(request) ? readFileSync(request, "utf8") : "GET /\n",
      answer: read(gallery, name, "answer.http"),
    };
  });
}

const worker = buildSync({
  ...common,
  entryPoints: [join(here, "src/worker.js")],
  alias: {"playground-wasm": join(wasm, "playground.js")},
  logOverride: {"empty-import-meta": "silent"},
}).outputFiles[0].text;

const given = {worker, examples: examples()};
const main = await build({
  ...common,
  entryPoints: [join(here, "src/main.js")],
  plugins: [{
    name: "given",
    setup(build) {
      build.onResolve({filter: /^given:/}, ({path}) => ({path: path.slice("given:".length), namespace: "given"}));
      build.onLoad({filter: /.*/, namespace: "given"}, ({path}) => ({contents: JSON.stringify(given[path]), loader: "json"}));
    },
  }],
});
// What would end the element that the script stands in.
const script = main.outputFiles[0].text.replaceAll("</script", "<\\/script");
const style = transformSync(read(here, "src/style.css"), {loader: "css", minify: true}).code;
const hash = createHash("sha256").update(script).digest("base64");

const put = (text, mark, value) => {
  if (text.split(mark).length !== 2) throw new Error(`${mark} is not there once`);
  return text.replace(mark, () => value);
};
let text = read(here, "src/index.html");
text = put(text, "SCRIPT-HASH", hash);
text = put(text, "/* style */", style);
text = put(text, "/* script */", script);
writeFileSync(shell, text);

const module = deflateRawSync(readFileSync(join(wasm, "playground_bg.wasm")), {level: 9});
const whole = put(text, '<script type="text/plain" id="module">', `<script type="text/plain" id="module" data-coding="deflate-raw">${module.toString("base64")}`);
writeFileSync(page, whole);
writeFileSync(join(wasm, "weight"), String(gzipSync(whole, {level: 9}).length));
