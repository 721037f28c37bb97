// Shows what came of an exchange.

import {coloured, data, indented} from "./highlight.js";

const byId = id => document.getElementById(id);

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const plural = (count, one) => `${count.toLocaleString("en")} ${one}${count === 1 ? "" : "s"}`;
const get = (headers, name) => headers.find(([found]) => found === name)?.[1];

/** The headers that are gone, the same, changed, and new. */
export function difference(before, after) {
  const plain = headers => headers.filter(([name]) => !name.startsWith(":"));
  const left = plain(before);
  const rows = [];
  for (const [name, value] of plain(after)) {
    const same = left.findIndex(pair => pair[0] === name && pair[1] === value);
    const at = same >= 0 ? same : left.findIndex(pair => pair[0] === name);
    const was = at >= 0 ? left.splice(at, 1)[0][1] : undefined;
    rows.push(was === value ? ["same", name, value] : was === undefined ? ["added", name, value] : ["changed", name, value, was]);
  }
  return [...rows, ...left.map(([name, value]) => ["removed", name, value])];
}

const MARKS = {same: [" ", "unchanged"], added: ["+", "added"], changed: ["~", "changed"], removed: ["−", "removed"]};

function headerRow([kind, name, value, was]) {
  const [mark, word] = MARKS[kind];
  const text = element("span", {}, `${name}: `, value);
  if (was !== undefined) text.append(" ", element("s", {title: "as the program sent it"}, was));
  return element("li", {class: kind}, element("i", {"aria-hidden": "true"}, mark),
    element("span", {class: "unseen"}, `${word} `), text);
}

const WORDS = {reshaped: "reshaped by", headers: "headers changed by"};

/** `answer reshaped by fruit-list`, `request failed:input in order` */
const outcomeLine = ({rule, side, outcome}) => `${side} ${WORDS[outcome] ?? `${outcome} in`} ${rule}`;

function numbers({side, outcome, bytesIn, bytesOut, steps}, several) {
  if (outcome !== "reshaped") return [];
  const of = several ? `${side}: ` : "";
  return [`${of}${plural(bytesOut, "byte")} from ${bytesIn.toLocaleString("en")}`, plural(steps, "step")];
}

/** What was done, in words. */
const done = ({outcomes}) => outcomes.map(outcomeLine).join(", ") || "passed as it came: no rule was used";

/** In one sentence, also for those who hear it. */
export function summary(told) {
  if (told.ended) return told.ended;
  if (told.problems) {
    const [{line, column, outside, message}] = told.problems;
    const place = outside ? "elsewhere in the file" : `line ${line}, column ${column}`;
    return `${plural(told.problems.length, "problem")}; ${place}: ${message}`;
  }
  if (told.problem) return `${told.in}: ${told.problem}`;
  const status = get(told.answer.headers, ":status");
  const limit = told.outcomes.some(({failure}) => failure === "limit") ? " A limit was met." : "";
  return `The client gets ${status}: ${done(told)}.${limit}`;
}

function bodyOf(message) {
  return message.body ?? `(${plural(atob(message.bodyBase64).length, "byte")} that are no text)`;
}

/** Shows it; `before` are the headers of the program's answer, and `pretty` says whether JSON is indented. */
export function show(told, {before, pretty}) {
  const good = Boolean(told.answer);
  byId("result").dataset.state = !good ? "none" : told.failed ? "failed" : "good";
  byId("outcome").textContent = good ? done(told) : summary(told);
  byId("numbers").textContent = good ? numbersOf(told) : "";
  byId("jump").textContent = good ? `${get(told.answer.headers, ":status")} · ${done(told)}` : summary(told);
  byId("jump").dataset.state = byId("result").dataset.state;
  // While a rule is half typed, what the last whole one gave stays in sight.
  byId("stale").hidden = good;
  if (!good) {
    byId("got").textContent = "—";
    return;
  }
  byId("answer").hidden = false;
  const {answer} = told;
  byId("got").textContent = get(answer.headers, ":status");
  const text = bodyOf(answer);
  byId("body").replaceChildren(coloured(pretty ? indented(text) : text, data));
  byId("body").dataset.empty = text === "";
  byId("headers").replaceChildren(...difference(before, answer.headers).map(headerRow));
  byId("rules").replaceChildren(...told.rules.map(({rule, side, verdict}) =>
    element("li", {class: verdict === "used" ? "used" : "unused"}, element("b", {}, rule), ` ${side}: ${verdict}`)));
  byId("rules").parentElement.hidden = told.rules.length === 0;
  const notes = [...told.warnings, ...told.log, ...(told.cut ? ["the answer is cut off there"] : [])];
  byId("notes").replaceChildren(...notes.map(note => element("li", {}, note)));
  byId("notes").parentElement.hidden = notes.length === 0;
  showAsked(told.request);
}

/** The numbers of it. */
function numbersOf({outcomes, milliseconds}) {
  const parts = outcomes.flatMap(outcome => numbers(outcome, outcomes.length > 1));
  return [...parts, `${milliseconds.toFixed(milliseconds < 10 ? 2 : 0)} ms`].join(" · ");
}

/** What the program is asked. */
function showAsked(request) {
  byId("asked").textContent = request
    ? [`${get(request.headers, ":method")} ${get(request.headers, ":path")}`, `host: ${get(request.headers, ":authority")}`,
      ...request.headers.filter(([name]) => !name.startsWith(":")).map(([name, value]) => `${name}: ${value}`),
      "", bodyOf(request)].join("\n").trim()
    : "(the program is not asked)";
}

/** The list of problems, each a button that leads to its place. */
export function showProblems(problems, goTo) {
  byId("problems").hidden = problems.length === 0;
  byId("problems").replaceChildren(...problems.map(problem => {
    const place = problem.outside ? "elsewhere in the file" : `${problem.line}:${problem.column}`;
    const button = element("button", {type: "button", class: "problem"}, element("b", {}, place), ` ${problem.text}`);
    button.onclick = () => goTo(problem);
    return element("li", {}, button);
  }));
}
