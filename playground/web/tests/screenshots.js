// The pictures of docs/playground.md: `node screenshots.js FOLDER`.

import {mkdirSync} from "node:fs";
import {join} from "node:path";
import {launch, serve, settled, type} from "./browser.js";

const folder = process.argv[2];
mkdirSync(folder, {recursive: true});
const browser = await launch();
const server = await serve(process.env.PLAYGROUND_PAGE);

async function picture(name, options, act = async () => {}) {
  const page = await browser.newPage({viewport: {width: 1180, height: 800}, reducedMotion: "reduce", ...options});
  await page.goto(server.url);
  await settled(page);
  await act(page);
  await settled(page);
  await page.evaluate(() => {
    document.activeElement.blur();
    for (const scroller of document.querySelectorAll(".cm-scroller")) scroller.scrollLeft = 0;
  });
  await page.screenshot({path: join(folder, `${name}.png`)});
  await page.close();
}

await picture("playground", {});
await picture("playground-error", {colorScheme: "dark"}, async page => {
  await page.selectOption("#examples", {index: 5});
  await page.locator("#config .cm-line", {hasText: "STAT"}).click();
  await page.keyboard.press("End");
  for (let back = 0; back < 2; back += 1) await page.keyboard.press("ArrowLeft");
  await page.keyboard.type(" | nope");
});
await picture("playground-phone", {viewport: {width: 390, height: 844}, deviceScaleFactor: 1.5, hasTouch: true, isMobile: true});
server.close();
await browser.close();
