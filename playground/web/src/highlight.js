// Colours for what stands in the editors: YAML with jq inside, and bodies.

import {StreamLanguage} from "@codemirror/language";
import {classHighlighter, highlightTree} from "@lezer/highlight";

const KEYWORDS = new Set(["def", "if", "then", "elif", "else", "end", "as", "reduce", "foreach", "try", "catch", "and", "or",
  "label", "break", "import", "include", "__loc__"]);

/** One token of jq. In a quoted scalar of YAML, quotes come with a backslash. */
function jq(stream, quote = /^"/) {
  if (stream.match(/^#.*/)) return "comment";
  if (stream.match(quote)) {
    while (!stream.eol() && !stream.match(quote)) {
      if (quote.source === '^"' && stream.match(/^\\./)) continue;
      stream.next();
    }
    return "string";
  }
  if (stream.match(/^\$[A-Za-z_]\w*/)) return "variableName";
  if (stream.match(/^\.[A-Za-z_]\w*/)) return "propertyName";
  if (stream.match(/^@\w+/)) return "atom";
  if (stream.match(/^\d+(\.\d+)?([eE][+-]?\d+)?/)) return "number";
  const word = stream.match(/^[A-Za-z_][\w:]*/);
  if (word) {
    if (KEYWORDS.has(word[0])) return "keyword";
    if (["true", "false", "null"].includes(word[0])) return "atom";
    return stream.match(/^\s*:(?!:)/, false) ? "propertyName" : "variableName.function";
  }
  if (stream.match(/^[|/+*%=<>!?-]+/)) return "operator";
  stream.next();
  return null;
}

/** YAML as configs have it. */
export const yaml = StreamLanguage.define({
  startState: () => ({key: "", block: -1, quoted: ""}),
  copyState: state => ({...state}),
  token(stream, state) {
    if (stream.sol() && state.block >= 0 && stream.indentation() <= state.block && stream.string.trim() !== "") {
      state.block = -1;
    }
    if (stream.eatSpace()) return null;
    if (state.block >= 0) {
      if (state.key === "jq") return jq(stream);
      stream.skipToEnd();
      return "string";
    }
    if (state.quoted) {
      if (stream.eat(state.quoted)) {
        state.quoted = "";
        return "string";
      }
      if (state.key === "jq") return jq(stream, /^\\"/);
      if (!stream.match(state.quoted === '"' ? /^(\\.|[^"\\])+/ : /^[^']+/)) stream.next();
      return "string";
    }
    if (stream.match(/^#.*/)) return "comment";
    const key = stream.match(/^("[^"]*"|[\w./-]+)(?=\s*:(\s|$))/);
    if (key) {
      state.key = key[1];
      return "propertyName";
    }
    if (stream.match(/^[|>][+-]?\s*(#.*)?$/)) {
      state.block = stream.indentation();
      return "operator";
    }
    for (const quote of ['"', "'"]) {
      if (stream.eat(quote)) {
        state.quoted = quote;
        return "string";
      }
    }
    if (stream.match(/^-?\d+(\.\d+)?(?=[\s,\]}]|$)/)) return "number";
    if (stream.match(/^(true|false|null)\b/)) return "atom";
    if (stream.match(/^[[\]{},:-]/)) return "punctuation";
    if (state.key === "jq" && !stream.match(/^[^\s,}]+/, false)) stream.next();
    else if (!stream.match(/^[^\s,\]}#:]+/)) stream.next();
    return null;
  },
});

/** Bodies: JSON, and enough of XML. */
export const data = StreamLanguage.define({
  token(stream) {
    if (stream.eatSpace()) return null;
    if (stream.match(/^"(\\.|[^"\\])*"(?=\s*:)/)) return "propertyName";
    if (stream.match(/^"(\\.|[^"\\])*"/)) return "string";
    if (stream.match(/^-?\d+(\.\d+)?([eE][+-]?\d+)?\b/)) return "number";
    if (stream.match(/^(true|false|null)\b/)) return "atom";
    if (stream.match(/^<[/!?]?[\w:.-]*/) || stream.match(/^[/?]?>/)) return "propertyName";
    if (stream.match(/^[[\]{},:]/)) return "punctuation";
    if (!stream.match(/^[^\s"<>[\]{},:]+/)) stream.next();
    return null;
  },
});

/** More is shown without colours, so that large bodies do not slow the page down. */
const LARGEST_COLOURED = 100_000;

/** The text as coloured nodes. */
export function coloured(text, language) {
  const nodes = new DocumentFragment();
  if (text.length > LARGEST_COLOURED) {
    nodes.append(text);
    return nodes;
  }
  let at = 0;
  highlightTree(language.parser.parse(text), classHighlighter, (from, to, classes) => {
    nodes.append(text.slice(at, from));
    const span = document.createElement("span");
    span.className = classes;
    span.textContent = text.slice(from, to);
    nodes.append(span);
    at = to;
  });
  nodes.append(text.slice(at));
  return nodes;
}

/** JSON with indentation, without a change of any number or string; anything else as it is. */
export function indented(text) {
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  let depth = 0;
  const line = () => `\n${"  ".repeat(depth)}`;
  return text.replace(/"(?:\\.|[^"\\])*"|[[{]\s*[\]}]|[[\]{},:]|\s+/g, token => {
    if (/^[[{]\s*[\]}]$/.test(token)) return token[0] + token.at(-1);
    switch (token) {
      case "{": case "[": depth += 1; return token + line();
      case "}": case "]": depth -= 1; return line() + token;
      case ",": return token + line();
      case ":": return ": ";
      default: return token.trim() === "" ? "" : token;
    }
  });
}
