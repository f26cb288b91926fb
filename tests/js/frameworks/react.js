/** The element in a React page: its attributes are the page's state. */

import { createElement as h, useState } from "react";
import { createRoot } from "react-dom/client";

function Page() {
  const [task, setTask] = useState("a");
  const [done, setDone] = useState(0);
  return h("section", null,
    h("button", { onClick: () => setTask("b") }, "Next"),
    h("button", { onClick: () => setTask("") }, "Close"),
    h("output", null, String(done)),
    task && h("headway-progress", { task, token: task, label: "reel.mp4", "onheadway:done": () => setDone((n) => n + 1) }));
}

createRoot(/** @type {HTMLElement} */ (document.querySelector("main"))).render(h(Page));
