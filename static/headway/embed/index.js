/** `<script type="module" src="/static/headway/embed.js">`: defines `<headway-progress>`. */

import { HeadwayProgress } from "./element.js";

if (!customElements.get("headway-progress")) customElements.define("headway-progress", HeadwayProgress);
