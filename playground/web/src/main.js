// The page: what a person changes goes to the engine, and what comes of it is shown.

import gallery from "given:examples";
import {editor} from "./editor.js";
import {Engine} from "./engine.js";
import {data, yaml} from "./highlight.js";
import {placeInRule, putIn, takeOut} from "./rule.js";
import {answerFields, asked, fromFragment, requestFields, stateOf, toFragment} from "./state.js";
import {show, showProblems, summary} from "./view.js";

const byId = id => document.getElementById(id);
const FIELDS = ["method", "path", "requestHeaders", "requestBody", "status", "contentType", "answerHeaders", "workload"];

let state = {};
/** What stands around the rule, while the rule is shown alone. */
let frame;
/** The last answer of the engine. */
let last;
let timer;
/** Counts the changes. */
let generation = 0;

const config = editor({
  parent: byId("config"), label: "Rule or ambassador.yaml; Escape, then Tab leaves it", language: yaml, code: true,
  onChange(text) {
    state.config = frame ? putIn(frame, text) : text;
    changed();
  },
});
const body = editor({
  parent: byId("legacy-body"), label: "Body of the program's answer", language: data,
  onChange(text) {
    state.bodyBase64 = undefined;
    // What `curl -i` shows can be put in as it is.
    if (/^HTTP\/\d/.test(text)) load({...state, ...answerFields(text)});
    else state.body = text;
    changed();
  },
});

const engine = new Engine((told, {generation: of}) => {
  last = told;
  render();
  // For tests and their like: what is shown is what was typed.
  if (of === generation) document.documentElement.dataset.settled = "";
});

/** For those who hear the page; not each letter that is typed. */
let saying;
function say(text) {
  clearTimeout(saying);
  saying = setTimeout(() => { byId("said").textContent = text; }, 700);
}

function changed(wait = 80) {
  clearTimeout(timer);
  generation += 1;
  document.documentElement.dataset.generation = generation;
  delete document.documentElement.dataset.settled;
  timer = setTimeout(() => engine.ask({...asked(state), generation}), wait);
}

/** The headers of the program's answer, as the core reads them. */
function before() {
  const lines = [`content-type: ${state.contentType}`, ...state.answerHeaders.split("\n")];
  const pairs = lines.map(line => line.split(/:(.*)/s)).filter(pair => pair.length > 1 && pair[1].trim());
  const headers = pairs.map(([name, value]) => [name.trim().toLowerCase(), value.trim()]);
  const length = state.bodyBase64 ? atob(state.bodyBase64).length : new TextEncoder().encode(state.body).length;
  return [...headers.filter(([name]) => name !== "content-length"), ...(length ? [["content-length", String(length)]] : [])];
}

/** Problems with their places in what is shown. */
function placed(problem) {
  const place = frame ? placeInRule(frame, problem) : problem;
  const outside = frame && (place.line < 1 || place.column < 1 || place.line > config.view.state.doc.lines);
  const text = problem.message + (problem.hint ? ` (${problem.hint})` : "");
  return {...problem, ...place, outside, length: problem.to - problem.from, text};
}

function render() {
  if (!last) return;
  const problems = (last.problems ?? []).map(placed);
  const told = last.problems ? {...last, problems} : last;
  show(told, {before: before(), pretty: byId("pretty").checked});
  say(summary(told));
  config.problems = problems.filter(({outside}) => !outside);
  showProblems(problems, problem => {
    if (problem.outside) showWhole();
    else config.goTo(problem);
  });
  if (last.command) byId("command").textContent = last.command;
  byId("command").dataset.stale = !last.command;
}

/** Shows the rule alone, if there is one, or the whole file. */
function choose(alone) {
  const taken = takeOut(state.config);
  frame = alone && taken.frame ? taken.frame : undefined;
  config.text = frame ? taken.rule : state.config;
  byId("alone").checked = Boolean(frame);
  byId("whole").checked = !frame;
  byId("why-whole").textContent = alone && taken.why ? `Shown whole: ${taken.why}.` : "";
  render();
}

function showWhole() {
  choose(false);
  const [first] = last?.problems ?? [];
  if (first) config.goTo(first);
}

function load(next) {
  state = next;
  for (const field of FIELDS) byId(field).value = state[field] ?? "";
  body.text = state.bodyBase64 ? "" : state.body;
  byId("binary").hidden = !state.bodyBase64;
  countHidden();
  byId("origin").textContent = state.origin ?? "";
}

/** How much there is where one has to look for it. */
function countHidden() {
  const lines = text => (text ?? "").split("\n").filter(line => line.trim()).length;
  const request = lines(state.requestHeaders) + (state.requestBody ? 1 : 0);
  byId("count-request").textContent = request ? `(${request})` : "";
  byId("count-answer").textContent = lines(state.answerHeaders) ? `(${lines(state.answerHeaders)})` : "";
}

function start(next, alone = true) {
  load(next);
  config.text = "";
  choose(alone);
  changed(0);
}

function showExample(index) {
  const {title, about, name, ...example} = gallery[index];
  byId("about").textContent = about && about[0].toUpperCase() + about.slice(1);
  start(stateOf(example));
}

async function copy(button, text) {
  let done = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Pages that are not served over HTTPS, nor by this machine, may not; then there is the way of old.
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    done = document.execCommand("copy");
    field.remove();
    button.focus();
  }
  byId("said").textContent = done ? `${button.dataset.what} copied` : "the browser refuses to copy";
  button.dataset.done = done;
  setTimeout(() => delete button.dataset.done, 1500);
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  byId("theme").setAttribute("aria-pressed", String(theme === "dark"));
}

function listen() {
  for (const field of FIELDS) {
    byId(field).addEventListener("input", ({target}) => {
      state[field] = target.value;
      countHidden();
      changed();
    });
  }
  byId("path").addEventListener("paste", event => pasted(event));
  byId("alone").onchange = () => choose(true);
  byId("whole").onchange = () => choose(false);
  byId("pretty").onchange = render;
  byId("examples").onchange = ({target}) => showExample(target.selectedIndex);
  byId("copy-config").onclick = ({currentTarget}) => copy(currentTarget, state.config);
  byId("copy-command").onclick = ({currentTarget}) => copy(currentTarget, byId("command").textContent);
  byId("share").onclick = async ({currentTarget}) => {
    const fragment = await toFragment(state);
    history.replaceState(null, "", fragment);
    copy(currentTarget, location.href);
  };
  byId("theme").onclick = () => setTheme(isDark() ? "light" : "dark");
  byId("jump").onclick = () => byId("result").scrollIntoView();
  // Where the result is in sight, nothing has to lead there.
  new IntersectionObserver(([{isIntersecting}]) => { byId("jump").hidden = isIntersecting; }).observe(byId("result"));
  addEventListener("hashchange", () => followLink());
}

/** A whole request can be put in where its path stands. */
function pasted(event) {
  const text = event.clipboardData?.getData("text") ?? "";
  if (!/^[A-Z]+ \//.test(text)) return;
  event.preventDefault();
  load({...state, ...requestFields(text)});
  changed();
}

function isDark() {
  const {theme} = document.documentElement.dataset;
  return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Whether the address carries a state that can be shown. */
async function followLink() {
  try {
    const linked = await fromFragment(location.hash);
    if (!linked) return false;
    byId("about").textContent = "";
    start(linked);
    return true;
  } catch {
    byId("origin").textContent = "This link is damaged; here is an example instead.";
    return false;
  }
}

async function begin() {
  byId("examples").append(...gallery.map(({title}) => new Option(title)));
  byId("theme").setAttribute("aria-pressed", String(isDark()));
  listen();
  const given = JSON.parse(byId("state").textContent);
  if (location.hash && await followLink()) return;
  if (given) {
    byId("examples").prepend(new Option("as fetched"));
    gallery.unshift({title: "as fetched", about: "", ...given});
    byId("examples").selectedIndex = 0;
  }
  const damaged = byId("origin").textContent;
  showExample(0);
  if (damaged) byId("origin").textContent = damaged;
}

begin();
