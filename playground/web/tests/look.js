// What the page at an address shows, as JSON: `node look.js URL`.

import {launch, seen} from "./browser.js";

const browser = await launch();
const page = await browser.newPage();
const asked = [];
page.on("request", request => asked.push(request.url()));
await page.goto(process.argv[2]);
const shown = await seen(page);
const requests = asked.filter(url => !/^(blob|data):/.test(url));
const config = await page.locator("#config .cm-line").allTextContents();
console.log(JSON.stringify({...shown, config: config.join("\n"), requests}));
await browser.close();
