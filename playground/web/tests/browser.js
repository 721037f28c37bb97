// A real Chromium, and a file server that knows one page: what the tests and the pictures are made with.

import {readFileSync} from "node:fs";
import {createServer} from "node:http";
import {createRequire} from "node:module";
import {join} from "node:path";

export const require = createRequire(join(process.env.PLAYGROUND_MODULES, "tests.js"));
const {chromium} = require("playwright-core");

/** Starts the browser; `close` ends it. */
export function launch() {
  return chromium.launch({
    executablePath: process.env.AMBASSADOR_CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
      "--no-first-run"],
  });
}

/** Serves the page from a folder within a site, as any file server would; everything else is not there. */
export async function serve(file) {
  const page = readFileSync(file);
  const server = createServer((request, answer) => {
    const found = request.url === "/tools/playground/index.html";
    answer.writeHead(found ? 200 : 404, {"content-type": "text/html; charset=utf-8"});
    answer.end(found ? page : "");
  });
  await new Promise(listening => server.listen(0, "127.0.0.1", listening));
  return {url: `http://127.0.0.1:${server.address().port}/tools/playground/index.html`, close: () => server.close()};
}

/** Waits until what is shown is what was typed. */
export const settled = page => page.waitForSelector("html[data-settled]", {state: "attached"});

/** What the page shows. */
export async function seen(page) {
  await settled(page);
  return page.evaluate(() => {
    const text = id => document.getElementById(id).innerText;
    const value = id => document.getElementById(id).value;
    return {
      state: document.getElementById("result").dataset.state, status: text("got"), outcome: text("outcome"), numbers: text("numbers"),
      body: document.getElementById("result").dataset.state === "none" ? null : document.getElementById("body").textContent,
      headers: [...document.querySelectorAll("#headers li")].map(item => `${item.className} ${item.lastChild.textContent}`),
      rules: [...document.querySelectorAll("#rules li")].map(item => item.textContent),
      notes: [...document.querySelectorAll("#notes li")].map(item => item.textContent),
      problems: [...document.querySelectorAll("#problems li")].map(item => item.textContent),
      command: text("command"), method: value("method"), path: value("path"), origin: text("origin"), workload: value("workload"),
      asked: document.getElementById("asked").textContent,
    };
  });
}

/** Writes into an editor as a person does, and waits until the page has noticed. */
export async function type(page, id, text) {
  const before = await page.evaluate(() => document.documentElement.dataset.generation);
  await page.locator(`#${id} .cm-content`).click();
  await page.keyboard.press("Control+A");
  await page.keyboard.insertText(text);
  await page.waitForFunction(before => document.documentElement.dataset.generation !== before, before);
}
