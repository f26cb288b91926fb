/** Every state of the element, shown by `preview()`. Serve the repository's top and open this page. */

import "../../../static/headway/embed.js";

const STAGES = ["Upload", "Convert", "Publish"];
const REFERENCE = "HW-9D3F-0C6E";
const now = Date.now() / 1000;
const cancel = { can: ["cancel"] };

/** @type {[string, Record<string, unknown>, string?][]} */
const STATES = [
  ["queued", { status: "queued", queue_position: 3, ...cancel }],
  ["queued, nothing heard yet", { status: "queued", note: "handed_over" }],
  ["scheduled", { status: "scheduled", starts_in: 10_800, ...cancel }],
  ["running", { status: "running", progress: { percent: 64, message: "Frame 2,304" }, eta_seconds: 118, ...cancel }, "summer-reel.mp4"],
  ["running, counted", { status: "running", progress: { percent: 41, current: 16_402, total: 40_000, unit: "rows" }, eta_seconds: 40 }, "spring-feed.csv"],
  ["running, nobody knows how far", { status: "running", usual_seconds: [40, 55], elapsed_seconds: 12 }, "Checking the file"],
  ["running, three stages", { status: "running", progress: { percent: 55, stage: "Convert", stages: STAGES }, eta_seconds: 118, ...cancel }, "summer-reel.mp4"],
  ["group of 12", {
    status: "running", progress: { percent: 80, current: 9, total: 12 }, counts: { succeeded: 8, failed: 1, cancelled: 0, running: 2, waiting: 1 },
    eta_seconds: 14, ...cancel,
  }, "Resizing 12 photos"],
  ["group, many", {
    status: "running", progress: { percent: 62, current: 1_860, total: 3_000 }, counts: { succeeded: 1_858, failed: 2, cancelled: 0, running: 8, waiting: 1_132 },
    eta_seconds: 600,
  }, "Sending 3,000 letters"],
  ["group, of how many nobody said", { status: "running", at_least: 15, progress: { percent: null, current: 9, total: null }, counts: { succeeded: 9, failed: 0, cancelled: 0, running: 2, waiting: 4 } }, "Photos"],
  ["retrying", { status: "retrying", attempt: 2, retry_in: 24, progress: { percent: 64 }, error: { message: "The storefront did not answer.", reference: null }, ...cancel }],
  ["stalled", { status: "stalled", progress: { percent: 64 }, updated_at: now - 120, ...cancel }],
  ["offline", { status: "running", progress: { percent: 64 } }],
  ["succeeded", { status: "completed", conclusion: "succeeded", elapsed_seconds: 240 }, "Your video is live"],
  ["failed", { status: "completed", conclusion: "failed", error: { message: "The file may be damaged.", reference: REFERENCE }, can: ["retry"] }, "summer-reel.mp4"],
  ["failed, without a word", { status: "completed", conclusion: "failed", error: { message: null, reference: REFERENCE } }],
  ["cancelled", { status: "completed", conclusion: "cancelled", progress: { percent: 64 } }],
  ["unknown", { status: "unknown", note: "never_seen" }],
  ["lost", { status: "completed", conclusion: "lost", error: { message: null, reference: REFERENCE } }],
];

const ARABIC = {
  left: "بقي {time} تقريبًا",
  minute: "{n} د", failed: "تعذّر التنفيذ", reference: "المرجع", cancel: "إلغاء", retry: "إعادة المحاولة", step: "الخطوة {n} من {all}", running: "جارٍ التنفيذ",
};

/** @type {[string, Record<string, unknown>, string?][]} */
const RTL = [
  ["running", { status: "running", progress: { percent: 64 }, eta_seconds: 118, ...cancel }, "تحويل summer-reel.mp4"],
  ["stages", { status: "running", progress: { percent: 55, stage: "تحويل", stages: ["رفع", "تحويل", "نشر"] }, eta_seconds: 118 }, "summer-reel.mp4"],
  ["failed", { status: "completed", conclusion: "failed", error: { message: "لم يُنشر أي شيء.", reference: REFERENCE }, can: ["retry"] }],
];

/** @type {[string, Record<string, unknown>, string?][]} */
const HOSTS = [
  ["paper", { status: "running", progress: { percent: 55, stage: "Convert", stages: STAGES }, eta_seconds: 118, ...cancel }, "loom-tour.mov"],
  ["dense", { status: "running", progress: { percent: 41, current: 16_402, total: 40_000, unit: "rows" } }, "spring-feed.csv"],
  ["loud", { status: "completed", conclusion: "succeeded", elapsed_seconds: 240 }, "Your clip is live"],
];

/** @param {string} id @param {[string, Record<string, unknown>, string?][]} all */
function show(id, all) {
  for (const [name, row, label] of all) {
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    const element = /** @type {any} */ (document.createElement("headway-progress"));
    caption.append(name);
    caption.lang = "en";
    if (label) element.setAttribute("label", label);
    if (id === "hosts") figure.className = name;
    if (row.conclusion === "succeeded") {
      const link = document.createElement("a");
      Object.assign(link, { slot: "done", href: "#", textContent: "View video" });
      element.append(link);
    }
    figure.append(caption, element);
    document.getElementById(id)?.append(figure);
    // A server that is not there: what is shown is the last that was known.
    if (name === "offline") for (const [key, value] of [["task", "t"], ["token", "t"], ["server", "nowhere/"]]) element.setAttribute(key, value);
    element.preview(row);
  }
}

/** @type {any} */ (customElements.get("headway-progress")).words.ar = ARABIC;
show("states", STATES);
show("rtl", RTL);
show("hosts", HOSTS);
