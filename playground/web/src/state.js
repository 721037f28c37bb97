// What the page shows, and the ways it comes in: examples, links, and what `kubectl ambassador playground` has fetched.

/** More than any config and answer that somebody would put into a link. */
const LARGEST_LINK = 2 << 20;

/** A message of HTTP as its parts: the first line, the headers as text, and the body. */
export function split(text) {
  const end = text.search(/\r?\n\r?\n/);
  const head = (end < 0 ? text : text.slice(0, end)).split(/\r?\n/);
  const body = end < 0 ? "" : text.slice(end).replace(/^\r?\n\r?\n/, "");
  return {first: head[0], headers: head.slice(1).join("\n").trim(), body};
}

/** The fields of an answer as `curl -i` shows it. */
export function answerFields(text) {
  const {first, headers, body} = split(text);
  const lines = headers.split("\n");
  const type = lines.find(line => /^content-type:/i.test(line));
  return {
    status: first.split(/\s+/)[1] ?? "",
    contentType: type?.slice("content-type:".length).trim() ?? "",
    answerHeaders: lines.filter(line => line !== type).join("\n"),
    body,
  };
}

/** The fields of a request. */
export function requestFields(text) {
  const {first, headers, body} = split(text);
  const [method, path] = first.trim().split(/\s+/);
  return {method, path, requestHeaders: headers, requestBody: body.replace(/\n$/, "")};
}

/** The state of an example, or of what a command has fetched. */
export function stateOf({config, request, answer, ...rest}) {
  return {...requestFields(request ?? "GET /\n"), ...answerFields(answer), config, workload: "fruit-service", ...rest};
}

const lines = text => text.split("\n").map(line => line.trim()).filter(line => line).map(line => `${line}\n`).join("");

/** What the core is asked about a state. */
export function asked(state) {
  const type = state.contentType.trim();
  return {
    config: state.config,
    request: `${state.method} ${state.path} HTTP/1.1\n${lines(state.requestHeaders)}\n${state.requestBody}`,
    answer: `HTTP/1.1 ${state.status}\n${type && `content-type: ${type}\n`}${lines(state.answerHeaders)}\n`
      + (state.bodyBase64 ? "" : state.body),
    bodyBase64: state.bodyBase64,
    workload: state.workload,
  };
}

/** The names of what a link carries. */
const CARRIED = ["config", "method", "path", "requestHeaders", "requestBody", "status", "contentType", "answerHeaders", "body",
  "bodyBase64", "workload"];

async function through(bytes, stream, largest = Infinity) {
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader();
  const parts = [];
  let length = 0;
  for (;;) {
    const {done, value} = await reader.read();
    if (done) return new Blob(parts).arrayBuffer();
    length += value.length;
    if (length > largest) throw new Error("too large");
    parts.push(value);
  }
}

/** A state as the fragment of a link. */
export async function toFragment(state) {
  const carried = Object.fromEntries(CARRIED.filter(name => state[name]).map(name => [name, state[name]]));
  const bytes = new TextEncoder().encode(JSON.stringify(carried));
  const packed = new Uint8Array(await through(bytes, new CompressionStream("deflate-raw")));
  const text = Array.from(packed, byte => String.fromCharCode(byte)).join("");
  return `#1${btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

/** The state of a fragment; `undefined` if there is none, an error if it is damaged. */
export async function fromFragment(fragment) {
  if (!fragment.startsWith("#1")) return undefined;
  const text = atob(fragment.slice(2).replaceAll("-", "+").replaceAll("_", "/"));
  const packed = Uint8Array.from(text, character => character.charCodeAt(0));
  const bytes = await through(packed, new DecompressionStream("deflate-raw"), LARGEST_LINK);
  const found = JSON.parse(new TextDecoder().decode(bytes));
  const state = Object.fromEntries(CARRIED.map(name => [name, typeof found[name] === "string" ? found[name] : ""]));
  return {...state, bodyBase64: state.bodyBase64 || undefined};
}
