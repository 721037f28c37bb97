// Runs the core in a worker: the latest question is answered, and a worker that takes too long is ended.

import workerText from "given:worker";

/** Milliseconds for one question. The limits of the engine end a program long before, on any machine. */
export const PATIENCE = 5000;

/** The bytes of Base64, in the fastest way that this browser has. */
function fromBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = characters.charCodeAt(at);
  return bytes;
}

/** The bytes of the module that the page carries. */
async function moduleBytes() {
  const element = document.getElementById("module");
  const bytes = fromBase64(element.textContent);
  if (!element.dataset.coding) return bytes;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream(element.dataset.coding));
  return new Response(stream).arrayBuffer();
}

export class Engine {
  #module; #worker; #url; #asked; #next; #timer; #id = 0;
  /** Whether a worker is at work. */
  busy = false;

  constructor(onTold) {
    this.onTold = onTold;
    this.#url = URL.createObjectURL(new Blob([workerText], {type: "text/javascript"}));
    this.ready = moduleBytes().then(bytes => WebAssembly.compile(bytes)).then(module => {
      this.#module = module;
      this.#start();
    });
  }

  /** Asks; what was asked before and not begun is forgotten. */
  async ask(asked) {
    this.#next = asked;
    await this.ready;
    if (!this.busy) this.#begin();
  }

  #start() {
    this.#worker = new Worker(this.#url);
    this.#worker.onmessage = ({data}) => data.id === this.#id && this.#end(data.told);
    // A trap leaves the module's memory as it was in the middle of something: nothing of it is used again.
    this.#worker.onerror = event => {
      event.preventDefault();
      this.#restart({ended: `the engine stopped: ${event.message}`});
    };
    this.#worker.postMessage({module: this.#module});
  }

  #begin() {
    this.#asked = this.#next;
    this.#next = undefined;
    if (!this.#asked) return;
    this.busy = true;
    this.#id += 1;
    this.#timer = setTimeout(
      () => this.#restart({ended: `no answer within ${PATIENCE / 1000} seconds, so it was stopped`}), PATIENCE);
    this.#worker.postMessage({id: this.#id, asked: this.#asked});
  }

  #restart(told) {
    this.#worker.terminate();
    this.#start();
    this.#end(told);
  }

  #end(told) {
    clearTimeout(this.#timer);
    this.busy = false;
    this.onTold(told, this.#asked);
    this.#begin();
  }
}
