/** The looks of what stands in the shadow root; every part of it can be styled from outside, too. */

export const css = `
:host { display: block; min-inline-size: 0; }
[hidden] { display: none !important; }
[part~=box] {
  --bg: var(--headway-progress-bg, light-dark(#fff, #16171a));
  --fg: var(--headway-progress-fg, light-dark(#1d1f24, #eaebee));
  --muted: var(--headway-progress-muted, light-dark(#575b62, #aeb1b6));
  --track: var(--headway-progress-track, light-dark(#eaebee, #303338));
  --accent: var(--headway-progress-accent, light-dark(#115bcd, #5e9ffa));
  --ok: var(--headway-progress-ok, light-dark(#0e7953, #4cdaab));
  --warn: var(--headway-progress-warn, light-dark(#926010, #f5b845));
  --bad: var(--headway-progress-bad, light-dark(#b00c15, #f9786c));
  --done: var(--headway-progress-ok, light-dark(#1a976b, #4fcb9c));
  --radius: var(--headway-progress-radius, 8px); --thick: var(--headway-progress-bar, 6px); --state: var(--muted); --fill: var(--state);
  display: grid; gap: var(--headway-progress-gap, 10px); position: relative; box-sizing: border-box;
  padding: var(--headway-progress-pad, 14px 16px); background: var(--bg); color: var(--fg);
  border: 1px solid var(--headway-progress-line, light-dark(#dcdee1, #2e3035)); border-radius: var(--radius);
  font: 400 var(--headway-progress-size, .875rem)/1.45 var(--headway-progress-font, inherit);
  font-variant-numeric: tabular-nums; text-align: start;
}
:host([variant=plain]) [part~=box] { padding: 0; background: none; border: 0; }
[part~=running] { --state: var(--accent); }
[part~=succeeded] { --state: var(--ok); }
[part~=failed] { --state: var(--bad); }
:is([part~=retrying], [part~=stalled]) { --state: var(--warn); --fill: var(--headway-progress-warn, light-dark(#c06f0a, #efac3c)); }
:is([part~=unknown], [part~=offline]) { --state: var(--fg); }
p, ol, ul { margin: 0; padding: 0; list-style: none; }
[part=head] { display: grid; grid-template-columns: 18px minmax(0, 1fr) auto; gap: 0 10px; align-items: start; }
svg {
  display: block; inline-size: 18px; block-size: 18px; color: var(--state); fill: none; stroke: currentColor;
  stroke-width: 1.5; stroke-linecap: round; stroke-linejoin: round;
}
:is(.succeeded, .failed, .done) path { fill: currentColor; }
:is(.succeeded, .failed, .done) path + path { fill: none; stroke: var(--bg); stroke-width: 1.8; }
.unknown path:first-child { stroke-dasharray: 2.6 2.1; }
.running path { stroke-width: 2; }
.running path:first-child { opacity: .28; }
.now path + path { stroke-width: 4.8; }
.running { animation: spin 1.4s linear infinite; }
[part=title], [part=value] { font-weight: 600; overflow-wrap: anywhere; }
[part=value] { white-space: nowrap; }
[part=foot] { display: flex; flex-wrap: wrap; align-items: center; gap: 6px 12px; }
[part=note] { flex: 1 1 14em; color: var(--muted); min-inline-size: 0; overflow-wrap: anywhere; }
[part=reference] { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: .92em; white-space: nowrap; user-select: all; color: var(--fg); }
[part=actions] { display: flex; flex-wrap: wrap; gap: 8px; margin-inline-start: auto; }
button, ::slotted(a[slot=done]) {
  display: inline-grid; place-items: center; box-sizing: border-box; min-block-size: 32px; padding: 0 12px; cursor: pointer;
  border: 1px solid color-mix(in oklab, var(--fg) 45%, var(--bg)); border-radius: calc(var(--radius) * .75);
  background: none; color: inherit; font: inherit; font-weight: 500; text-decoration: none; white-space: nowrap;
}
button:hover { background: var(--track); }
[part~=main], ::slotted(a[slot=done]) { background: var(--fg); border-color: var(--fg); color: var(--bg); }
[part~=main]:hover { background: var(--muted); }
button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
progress {
  appearance: none; display: block; inline-size: 100%; block-size: var(--thick); border: 0; border-radius: calc(var(--thick) / 2);
  overflow: hidden; background: var(--track); color: var(--fill);
}
progress::-webkit-progress-bar { background: var(--track); }
progress::-webkit-progress-value { background: currentColor; transition: inline-size .6s cubic-bezier(.2, 0, 0, 1); }
progress::-moz-progress-bar { background: currentColor; }
progress:indeterminate { background: linear-gradient(currentColor 0 0) 50% 0 / 35% 100% no-repeat var(--track); animation: slide 1.4s linear infinite; }
progress:indeterminate::-webkit-progress-bar { background: none; }
progress:indeterminate:dir(rtl) { animation-direction: reverse; }
:is([part~=stalled], [part~=offline]) :is(progress, [part=cells]) { mask: repeating-linear-gradient(90deg, #000 0 5px, transparent 5px 8px); }
[part=steps] { display: grid; grid-auto-flow: column; grid-auto-columns: minmax(0, 1fr); gap: 6px; }
[part~=step] { display: grid; gap: 6px; font-size: .93em; color: var(--muted); --state: var(--muted); --fill: var(--state); align-content: start; }
[part~=step] span { display: flex; gap: 5px; min-inline-size: 0; overflow-wrap: anywhere; }
[part~=step] svg { flex: none; inline-size: 14px; block-size: 14px; margin-block-start: .1em; }
[part~=done] { --state: var(--ok); --fill: var(--done); }
[part~=now] { --state: var(--accent); color: var(--fg); font-weight: 600; }
[part=cells] { display: grid; grid-template-columns: repeat(auto-fit, minmax(8px, 1fr)); gap: 4px; }
[part=cells] li { block-size: calc(var(--thick) + 6px); border-radius: 3px; background: var(--track); }
[part=cells] .succeeded { background: var(--done); }
[part=cells] .failed { background: linear-gradient(45deg, var(--bad) 42%, var(--bg) 42% 58%, var(--bad) 58%); }
[part=cells] .cancelled { background: var(--muted); }
[part=cells] .running { animation: none; background: color-mix(in oklab, var(--accent) 45%, var(--track)); box-shadow: inset 0 0 0 2px var(--accent); }
.covered { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); }
@media (pointer: coarse) { button, ::slotted(a[slot=done]) { min-block-size: 44px; } }
@media (prefers-reduced-motion: reduce) {
  .running, progress:indeterminate { animation: none; }
  progress::-webkit-progress-value { transition: none; }
}
@media (forced-colors: active) {
  progress, [part=cells] li { border: 1px solid; forced-color-adjust: none; background: Canvas; color: Highlight; }
  [part=cells] .succeeded { background: Highlight; }
}
@keyframes spin { to { rotate: 360deg; } }
@keyframes slide { from { background-position-x: -54%; } to { background-position-x: 154%; } }
`;
