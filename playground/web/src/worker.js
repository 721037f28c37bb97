// The core in a worker, so that the page stays awake whatever a program does.

import {initSync, run} from "playground-wasm";

self.onmessage = ({data}) => {
  if (data.module) initSync({module: data.module});
  else self.postMessage({id: data.id, told: JSON.parse(run(JSON.stringify(data.asked), Date.now() / 1000))});
};
