/** The element in a Vue page: its attributes are the page's state. */

import { createApp, h, ref } from "vue";

createApp({
  setup() {
    const task = ref("a");
    const done = ref(0);
    return () => h("section", [
      h("button", { onClick: () => { task.value = "b"; } }, "Next"),
      h("button", { onClick: () => { task.value = ""; } }, "Close"),
      h("output", String(done.value)),
      task.value ? h("headway-progress", { task: task.value, token: task.value, label: "reel.mp4", "onHeadway:done": () => { done.value += 1; } }) : null,
    ]);
  },
}).mount("main");
