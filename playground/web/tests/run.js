// The page in a real Chromium, as a person uses it: `node run.js`. Prints a line for each thing that holds, and what does not.

import assert from "node:assert/strict";
import {readFileSync, readdirSync} from "node:fs";
import {dirname, join} from "node:path";
import {fileURLToPath, pathToFileURL} from "node:url";
import {launch, require, seen, serve, settled, type} from "./browser.js";

const FILE = process.env.PLAYGROUND_PAGE;
const GALLERY = join(dirname(fileURLToPath(import.meta.url)), "../../../docs/examples/gallery");
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const rule = jq => `name: mine\nresponse:\n  jq: ${JSON.stringify(jq)}`;

/** Complaints of axe about what is shown. */
async function complaints(page) {
  await page.evaluate(AXE);
  const {violations} = await page.evaluate(() => axe.run());
  return violations.map(({id, nodes}) => `${id}: ${nodes.map(node => `${node.html} ${node.failureSummary}`).join("\n")}`);
}

const tests = {
  async "a rule is tried as it is typed"(page) {
    await type(page, "config", rule("{n: length}"));
    assert.match((await seen(page)).body, /"n": 3/);
    await type(page, "legacy-body", "[1]");
    const shown = await seen(page);
    assert.equal(shown.body, '{\n  "n": 1\n}');
    assert.equal(shown.outcome, "answer reshaped by mine");
    assert.match(shown.numbers, /^7 bytes from 3 · \d+ steps · [\d.]+ ms$/);
    assert.deepEqual(shown.headers, ["same content-type: application/json", "same x-powered-by: COBOL",
      "changed content-length: 7 3"]);
    assert.equal(shown.command, "kubectl ambassador inject fruit-service --port 80:8775 --jq '{n: length}'");
    await page.fill("#status", "404");
    assert.deepEqual((await seen(page)).rules, ["mine answer: does not match: the answer has another status"]);
  },

  async "numbers keep their digits, however the body is shown"(page) {
    await type(page, "config", rule("."));
    const body = '[1.10,12345678901234567890,{"a b":"[1,2]","c":[]}]';
    await type(page, "legacy-body", body);
    assert.equal((await seen(page)).body, '[\n  1.10,\n  12345678901234567890,\n  {\n    "a b": "[1,2]",\n    "c": []\n  }\n]');
    await page.uncheck("#pretty");
    assert.equal((await seen(page)).body, body);
    await page.check("#pretty");
  },

  async "errors are underlined where they are"(page) {
    await type(page, "config", "name: mine\nresponse:\n  jq: .a | nope(1)\n  statsu: 7");
    assert.deepEqual((await seen(page)).problems, ["4:3 unknown field `statsu` (did you mean `status`?)"]);
    assert.deepEqual(await page.locator(".cm-lintRange-error").allTextContents(), ["statsu"]);
    await type(page, "config", "name: mine\nresponse:\n  jq: |\n    .a\n    | nope(1)\n");
    const [problem] = (await seen(page)).problems;
    assert.match(problem, /^5:7 .*nope/);
    assert.match((await page.locator(".cm-lintRange-error").allTextContents()).join(""), /^nope/);
    await page.click("label[for=whole]");
    assert.match((await seen(page)).problems[0], /^13:13 .*nope/);
    await page.click("#problems button");
    await page.keyboard.type("x");
    await page.waitForFunction(() => document.querySelector("#problems").textContent.includes("xnope"));
    assert.match((await seen(page)).problems[0], /xnope/);
    await type(page, "config", "a: [");
    await settled(page);
    assert.equal(await page.locator(".cm-lintRange-error").count(), 1);
  },

  async "the rule and the file are two views of one text"(page) {
    await page.click("label[for=whole]");
    const file = readFileSync(join(GALLERY, "01-fruit/ambassador.yaml"), "utf8");
    const shown = () => page.locator("#config .cm-line").allTextContents().then(lines => lines.join("\n"));
    assert.equal(await shown(), file);
    await type(page, "config", file.replace("length}", "length, more: true}"));
    await page.click("label[for=alone]");
    assert.match(await shown(), /^name: fruit-list\nmatch: .*\nresponse:\n {2}jq: .*more: true/);
    await type(page, "config", rule("\"other\""));
    await page.click("label[for=whole]");
    assert.match(await shown(), /\n {2}rules:\n {4}- name: mine\n {6}response:\n {8}jq: /);
    assert.equal((await seen(page)).body, '"other"');
    await type(page, "config", `${file}    - {name: second}\n`);
    await page.click("label[for=alone]");
    assert.equal(await page.textContent("#why-whole"), "Shown whole: the file has several rules.");
    assert(await page.isChecked("#whole"));
  },

  async "a link carries all of it"(page, {context, url}) {
    await type(page, "config", rule("{shared: ., \"é\": $request.path}"));
    await page.fill("#path", "/shared?q=1");
    await page.click("#share");
    await page.waitForSelector("#share[data-done=true]");
    const link = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal(link, page.url());
    assert(link.startsWith(`${url}#1`));
    const shown = await seen(page);
    const other = await context.newPage();
    await other.goto(link);
    const there = await seen(other);
    // The time is another one each time.
    assert.deepEqual({...there, numbers: ""}, {...shown, numbers: ""});
    await other.goto(`${url}#1AAAA`);
    await other.reload();
    assert.match((await seen(other)).origin, /damaged/);
    await other.close();
  },

  async "every example of the gallery shows what is expected of it"(page) {
    await page.uncheck("#pretty");
    const names = readdirSync(GALLERY).sort();
    assert(names.length >= 8);
    for (const [at, name] of names.entries()) {
      await page.selectOption("#examples", {index: at});
      const [head, ...body] = readFileSync(join(GALLERY, name, "expected.http"), "utf8").split("\n\n");
      const shown = await seen(page);
      assert.equal(shown.status, head.split("\n")[0].split(" ")[1], name);
      assert.equal(shown.body.trimEnd(), body.join("\n\n").trimEnd(), name);
      assert.deepEqual(shown.problems, [], name);
    }
  },

  async "a program that never ends does no harm"(page) {
    for (const [program, limit] of [["def f: f; f", "more than 5000000 steps of the program"], ["[range(1e9)]", "bytes of memory"],
      ["last(repeat(1))", "steps"]]) {
      await type(page, "config", rule(program));
      const shown = await seen(page);
      assert.equal(shown.state, "failed", program);
      assert.match(shown.notes.join() + shown.body, new RegExp(limit), program);
    }
    await type(page, "config", rule("\"well\""));
    assert.equal((await seen(page)).body, '"well"');
  },

  async "what is no answer is said, and the page goes on"(page) {
    await page.fill("#status", "20");
    assert.match((await seen(page)).outcome, /^answer: invalid response status/);
    await page.fill("#status", "200");
    await page.fill("#path", "nowhere");
    assert.match((await seen(page)).outcome, /^request: `nowhere` is no path/);
    await page.fill("#path", "/");
    assert.equal((await seen(page)).state, "good");
  },

  async "what curl shows can be pasted"(page) {
    await type(page, "legacy-body", "HTTP/2 404 \r\nContent-Type: text/html\r\nx-a: 1\r\n\r\n<h1>gone</h1>\n");
    await settled(page);
    assert.equal(await page.inputValue("#status"), "404");
    assert.equal(await page.inputValue("#contentType"), "text/html");
    assert.equal(await page.inputValue("#answerHeaders"), "x-a: 1");
    assert.equal((await seen(page)).body, "<h1>gone</h1>\n");
  },

  async "the file and the command are copied"(page) {
    const copied = async id => {
      await page.click(`#${id}`);
      await page.waitForSelector(`#${id}[data-done=true]`);
      return page.evaluate(() => navigator.clipboard.readText());
    };
    const file = readFileSync(join(GALLERY, "01-fruit/ambassador.yaml"), "utf8");
    assert.equal(await copied("copy-config"), file);
    await page.fill("#workload", "deploy/web");
    await settled(page);
    assert.equal(await copied("copy-command"), `kubectl ambassador inject deploy/web -c - <<'EOF'\n${file}EOF`);
  },

  async "all of it can be done by keys"(page) {
    await page.evaluate(() => document.activeElement.blur());
    const reached = new Set();
    for (let step = 0; step < 60; step += 1) {
      await page.keyboard.press("Escape");
      await page.keyboard.press("Tab");
      const [id, outline] = await page.evaluate(() => {
        const {activeElement: active} = document;
        const shown = active.closest(".cm-editor") ?? (active.type === "radio" ? active.nextElementSibling : active);
        return [active.id || active.closest("[id]")?.id || active.tagName, getComputedStyle(shown).outlineStyle];
      });
      if (reached.has(id) && id === "examples") break;
      reached.add(id);
      if (id !== "BODY") assert.equal(outline, "solid", `${id} shows that it has the focus`);
    }
    for (const id of ["examples", "share", "theme", "method", "path", "status", "contentType", "legacy-body", "alone", "copy-config",
      "config", "workload", "copy-command", "command", "pretty", "body"]) {
      assert(reached.has(id), `${id} is reached, of ${[...reached].join()}`);
    }
    await page.focus("#config .cm-content");
    await page.keyboard.press("Control+End");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => Boolean(document.activeElement.closest("#config"))), true, "Tab indents");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => Boolean(document.activeElement.closest("#config"))), false, "Escape, Tab leaves");
  },

  async "what happens is said to those who hear the page"(page) {
    await type(page, "config", rule("nope"));
    await page.waitForFunction(() => /^1 problem; line 3/.test(document.getElementById("said").textContent));
    await type(page, "config", rule("1"));
    await page.waitForFunction(() => /^The client gets 200: answer reshaped by mine/.test(document.getElementById("said").textContent));
  },

  async "it fits a phone"(page) {
    await page.setViewportSize({width: 390, height: 844});
    for (const [at, name] of readdirSync(GALLERY).entries()) {
      await page.selectOption("#examples", {index: at});
      await page.click(at % 2 ? "label[for=whole]" : "label[for=alone]");
      await settled(page);
      const width = await page.evaluate(() => document.scrollingElement.scrollWidth);
      assert(width <= 390, `${name} is ${width} wide`);
    }
    assert.deepEqual(await complaints(page), []);
  },

  async "it is light or dark as the system is, or as one likes"(page) {
    const light = () => page.evaluate(() => {
      const [red] = getComputedStyle(document.body).backgroundColor.match(/\d+/);
      return Number(red) > 128;
    });
    assert.equal(await light(), true);
    await page.emulateMedia({colorScheme: "dark", reducedMotion: "reduce"});
    assert.equal(await light(), false);
    assert.equal(await page.evaluate(() => getComputedStyle(document.getElementById("result")).transitionProperty), "none");
    assert.deepEqual(await complaints(page), []);
    await page.click("#theme");
    assert.equal(await light(), true);
    await page.click("#theme");
    assert.equal(await light(), false);
  },

  async "axe has no complaints"(page) {
    assert.deepEqual(await complaints(page), []);
    await type(page, "config", rule("nope |"));
    await settled(page);
    assert.deepEqual(await complaints(page), []);
    await page.selectOption("#examples", {index: 10});
    await page.click("label[for=whole]");
    for (const details of await page.locator("details").all()) await details.evaluate(element => { element.open = true; });
    await settled(page);
    assert.deepEqual(await complaints(page), []);
  },

  async "a worker that hangs is ended, and another one goes on"(_, {context, url}) {
    const page = await context.newPage();
    await page.addInitScript(() => {
      const real = Worker.prototype.postMessage;
      Worker.prototype.postMessage = function post(message) {
        if (!message.asked?.config.includes("hang")) real.call(this, message);
      };
    });
    await page.clock.install();
    await page.goto(url);
    await page.clock.runFor(1000);
    await settled(page);
    await type(page, "config", rule("\"hang\""));
    await page.clock.runFor(1000);
    await page.clock.runFor(6000);
    assert.match((await seen(page)).outcome, /no answer within 5 seconds, so it was stopped/);
    await type(page, "config", rule("\"on\""));
    await page.clock.runFor(1000);
    assert.equal((await seen(page)).body, '"on"');
    await page.close();
  },

  async "it works from the disk"(_, {context}) {
    const page = await context.newPage();
    await page.goto(pathToFileURL(FILE).href);
    assert.match((await seen(page)).body, /"count": 3/);
    await page.close();
  },
};

const browser = await launch();
const server = await serve(FILE);
const only = process.argv[2];
let failed = 0;
for (const [name, test] of Object.entries(tests).filter(([name]) => !only || name.includes(only))) {
  const context = await browser.newContext({permissions: ["clipboard-read", "clipboard-write"], viewport: {width: 1280, height: 900}});
  const asked = [];
  const trouble = [];
  context.on("request", request => asked.push(request.url()));
  const page = await context.newPage();
  context.on("console", message => ["error", "warning"].includes(message.type()) && trouble.push(message.text()));
  context.on("weberror", error => trouble.push(String(error.error())));
  try {
    const began = performance.now();
    await page.goto(server.url);
    await settled(page);
    if (process.env.PLAYGROUND_TIMES) console.log(`first result after ${Math.round(performance.now() - began)} ms`);
    await test(page, {context, url: server.url});
    const elsewhere = asked.filter(url => !/^(blob|data|file):/.test(url) && url.split("#")[0] !== server.url);
    assert.deepEqual(elsewhere, [], "requests that leave the page");
    assert.deepEqual(trouble, [], "what the browser complains about");
    console.log(`ok      ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}\n${error.message}\n${error.stack?.split("\n").filter(line => line.includes("run.js")).join("\n")}`);
    if (process.env.PLAYGROUND_SHOTS) await page.screenshot({path: join(process.env.PLAYGROUND_SHOTS, `${failed}.png`)}).catch(() => {});
  }
  await context.close();
}
server.close();
await browser.close();
console.log(`${failed} failed`);
process.exit(failed ? 1 : 0);
