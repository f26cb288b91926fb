/**
 * Where the tasks of a workflow stand in its drawing: who was called stands to the right of the
 * caller, what was called together stands in one column, and what followed a whole group stands
 * behind all of it. Pure: tasks in, positions out.
 *
 * Many tasks of one name that one task called (and a run of calls from name to the same name) are
 * one box, so that 500 tasks stay readable. The task of the page and its callers are never folded.
 *
 * @typedef {{id: string, name: string|null, status: string, conclusion: string|null,
 *   parent_id: string|null, group_id: string|null, first_seen_at: number,
 *   started_at: number|null, finished_at: number|null, runtime: number|null}} Node
 * @typedef {{key: string, nodes: Node[], below: Node[], children: Box[], followers: Box[], x: number, y: number}} Box
 *   `below`: everything that they led to, where that is folded too; `followers`: what came after
 *   the group of this box, at the first box of that group only; `x` and `y` in pixels
 * @typedef {{d: string, kind: ""|"bad"|"wait"}} Edge
 * @typedef {{boxes: Box[], edges: Edge[], width: number, height: number}} Drawing
 * @typedef {{height: number, columns: number, boxes: Box[]}} Block boxes with `x` as a column
 */

export const BOX = { width: 168, height: 40 };
const GAP = { x: 30, y: 8 };
/** Half a stroke, and what lies behind a box of many. */
const MARGIN = 5;
/** As many tasks of one name stand apart; fewer where the drawing would be crowded, and at last
 * nothing is shown below those that did not lead to the page's task. */
const FOLDS = [{ apart: 6, isFlat: false }, { apart: 3, isFlat: false }, { apart: 1, isFlat: false }, { apart: 1, isFlat: true }];
const CROWDED = 48;
/** Clocks of two workers, and of an outcome and what it set off, differ by so much. */
const SLACK_S = 1;

/** @template T @param {Map<string, T[]>} map @param {string} key @param {T} value */
function push(map, key, value) {
  const held = map.get(key);
  if (held) held.push(value);
  else map.set(key, [value]);
}

/**
 * Who hangs on whom. What one member of a group called after all others were over followed the
 * group: a chord's body is called by whichever member ends last.
 */
class Kin {
  /** @type {Map<string, Node>} */
  byId = new Map();
  /** @type {Map<string, Node[]>} children by the caller's id; the empty id calls what nobody did */
  called = new Map();
  /** @type {Map<string, Node[]>} members by group */
  groups = new Map();
  /** @type {Map<string, Node[]>} followers by group */
  after = new Map();

  /** @param {Node[]} nodes */
  constructor(nodes) {
    for (const node of nodes) this.byId.set(node.id, node);
    // The body of a chord is called by a member, and may carry the id of the group it follows.
    for (const node of nodes) if (node.group_id && this.byId.get(this.caller(node))?.group_id !== node.group_id) push(this.groups, node.group_id, node);
    for (const node of nodes) this.#place(node);
    this.#cutCircles();
  }

  /** @param {Node} node */
  #place(node) {
    const group = this.followed(node);
    if (group) push(this.after, group, node);
    else push(this.called, this.caller(node), node);
  }

  /** @param {Node} node */
  caller(node) {
    const id = node.parent_id;
    return id !== null && id !== node.id && this.byId.has(id) ? id : "";
  }

  /**
   * The group that this task followed, empty where it followed none.
   *
   * @param {Node} node
   */
  followed(node) {
    const caller = this.byId.get(this.caller(node));
    const group = caller?.group_id;
    const members = group ? this.groups.get(group) ?? [] : [];
    if (!caller || !group || members.length < 2 || !members.includes(caller)) return "";
    const others = members.filter((member) => member !== caller);
    const isAfter = others.every(({ finished_at: at }) => at !== null && at <= node.first_seen_at + SLACK_S);
    return isAfter && members.every((member) => this.caller(member) === this.caller(caller)) ? group : "";
  }

  /** Tasks that say of each other that they called them would hang on nothing. */
  #cutCircles() {
    const reached = new Set();
    const reach = (/** @type {Node[]} */ open) => {
      for (let node = open.pop(); node; node = open.pop()) {
        if (reached.has(node.id)) continue;
        reached.add(node.id);
        open.push(...this.called.get(node.id) ?? [], ...(node.group_id ? this.after.get(node.group_id) ?? [] : []));
      }
    };
    reach([...this.called.get("") ?? []]);
    for (const node of this.byId.values()) {
      if (reached.has(node.id)) continue;
      for (const kept of [this.called, this.after]) for (const [key, held] of kept) kept.set(key, held.filter((each) => each !== node));
      push(this.called, "", node);
      reach([node]);
    }
  }

  /**
   * The task and everything that led to it.
   *
   * @param {string} id
   */
  lineage(id) {
    const found = new Set();
    let node = this.byId.get(id);
    while (node && !found.has(node.id)) {
      found.add(node.id);
      const caller = this.byId.get(this.caller(node));
      node = caller && this.followed(node) ? this.byId.get(this.caller(caller)) : caller;
    }
    return found;
  }
}

/** Folds tasks into boxes. */
class Folder {
  /**
   * @param {Kin} kin
   * @param {Set<string>} pinned ids that stand alone
   * @param {{apart: number, isFlat: boolean}} how
   */
  constructor(kin, pinned, { apart, isFlat }) {
    this.kin = kin;
    this.pinned = pinned;
    this.apart = apart;
    this.isFlat = isFlat;
    /** @type {Set<string>} groups whose followers have their place */
    this.told = new Set();
  }

  /**
   * The boxes of tasks with one caller; members of a group stand together.
   *
   * @param {Node[]} nodes
   * @param {string} path the key of the caller's box
   * @returns {Box[]}
   */
  boxes(nodes, path) {
    /** @type {Map<string, Node[]>} */
    const byGroup = new Map();
    for (const node of nodes) push(byGroup, node.group_id ?? "", node);
    return [...byGroup].flatMap(([group, members]) => this.#group(members, `${path}/${group}`));
  }

  /** @param {Node[]} members @param {string} path @returns {Box[]} */
  #group(members, path) {
    /** @type {Map<string, Node[]>} */
    const parts = new Map();
    /** @type {Map<string, number>} */
    const counts = new Map();
    for (const node of members) if (!this.pinned.has(node.id)) counts.set(node.name ?? "", (counts.get(node.name ?? "") ?? 0) + 1);
    for (const node of members) {
      const isMany = !this.pinned.has(node.id) && node.name !== null && (counts.get(node.name) ?? 0) > this.apart;
      push(parts, isMany ? `${path}/${node.name}` : node.id, node);
    }
    return [...parts].map(([key, nodes]) => this.#box(key, nodes));
  }

  /** @param {string} key @param {Node[]} nodes @returns {Box} */
  #box(key, nodes) {
    const run = nodes.length === 1 ? this.#run(/** @type {Node} */ (nodes[0])) : nodes;
    const last = nodes.length === 1 ? run.slice(-1) : run;
    const name = run.length > nodes.length ? `${key}/${run.length}` : key;
    const box = { key: run.length > 1 && nodes.length === 1 ? `run ${key}` : key, nodes: run, x: 0, y: 0 };
    const isClosed = this.isFlat && !nodes.some((node) => this.pinned.has(node.id));
    if (isClosed) return { ...box, below: this.#below(last), children: [], followers: this.#followers(nodes, key) };
    return {
      ...box, below: [],
      children: this.boxes(last.flatMap((node) => this.kin.called.get(node.id) ?? []), name),
      followers: this.#followers(nodes, key),
    };
  }

  /** @param {Node[]} nodes everything that they led to */
  #below(nodes) {
    const found = [];
    const open = [...nodes];
    for (let node = open.pop(); node; node = open.pop()) {
      const called = [...this.kin.called.get(node.id) ?? []];
      for (const child of called) {
        const after = child.group_id && !this.told.has(child.group_id) ? this.kin.after.get(child.group_id) : undefined;
        if (!after || !child.group_id) continue;
        this.told.add(child.group_id);
        called.push(...after);
      }
      found.push(...called);
      open.push(...called);
    }
    return found;
  }

  /**
   * A task that calls one of its own name, which does the same, and so on: all of them, where they
   * are many.
   *
   * @param {Node} first
   */
  #run(first) {
    const found = [first];
    if (first.name === null || this.pinned.has(first.id)) return found;
    for (let node = first; ;) {
      const called = this.kin.called.get(node.id) ?? [];
      const [next] = called;
      if (!next || called.length > 1 || next.name !== first.name || this.pinned.has(next.id)) break;
      if (next.group_id !== first.group_id) break;
      found.push(next);
      node = next;
    }
    return found.length > this.apart ? found : [first];
  }

  /** @param {Node[]} nodes @param {string} path @returns {Box[]} */
  #followers(nodes, path) {
    const group = nodes[0]?.group_id ?? "";
    const after = this.kin.after.get(group);
    if (!after || this.told.has(group)) return [];
    this.told.add(group);
    return this.boxes(after, `${path}+`);
  }
}

/** @param {Box} box */
const middle = (box) => box.y + BOX.height / 2;

/** @param {Block} block @param {number} columns @param {number} down */
function shift(block, columns, down) {
  for (const box of block.boxes) {
    box.x += columns;
    box.y += down;
  }
}

/** @param {Block[]} blocks one below the other @returns {Block} */
function stack(blocks) {
  let height = 0;
  for (const block of blocks) {
    shift(block, 0, height);
    height += block.height + GAP.y;
  }
  return { height: Math.max(0, height - GAP.y), columns: Math.max(0, ...blocks.map((block) => block.columns)), boxes: blocks.flatMap((block) => block.boxes) };
}

/**
 * The second one to the right of the first, both centred.
 *
 * @param {Block} left
 * @param {Block} right
 * @returns {Block}
 */
function beside(left, right) {
  if (!right.boxes.length) return left;
  const height = Math.max(left.height, right.height);
  shift(left, 0, (height - left.height) / 2);
  shift(right, left.columns, (height - right.height) / 2);
  return { height, columns: left.columns + right.columns, boxes: [...left.boxes, ...right.boxes] };
}

/** @param {Box} box @returns {Block} */
function branch(box) {
  box.x = box.y = 0;
  return beside({ height: BOX.height, columns: 1, boxes: [box] }, level(box.children));
}

/**
 * Boxes with one caller, with what followed their groups behind them.
 *
 * @param {Box[]} boxes
 * @returns {Block}
 */
function level(boxes) {
  /** @type {Map<string, Box[]>} */
  const parts = new Map();
  for (const box of boxes) push(parts, box.nodes[0]?.group_id ?? `task ${box.key}`, box);
  return stack([...parts.values()].map((part) => beside(stack(part.map(branch)), level(part.flatMap((box) => box.followers)))));
}

/** @param {Node} node */
const hasFailed = ({ conclusion }) => conclusion !== null && conclusion !== "succeeded";

/** @param {Box} box */
const isWaiting = ({ nodes }) => nodes.every(({ status }) => status === "queued" || status === "scheduled" || status === "reserved");

/** @param {number} x1 @param {number} y1 @param {number} x2 @param {number} y2 */
function curve(x1, y1, x2, y2) {
  if (y1 === y2) return `M${x1} ${y1}H${x2}`;
  const half = (x1 + x2) / 2;
  return `M${x1} ${y1}C${half} ${y1} ${half} ${y2} ${x2} ${y2}`;
}

/** @param {Box} from @param {Box} to @returns {Edge} */
const edge = (from, to) => ({ d: curve(from.x + BOX.width, middle(from), to.x, middle(to)), kind: isWaiting(to) ? "wait" : "" });

/** @param {Box[]} boxes of one caller @returns {Edge[]} */
function edges(boxes) {
  /** @type {Map<string, Box[]>} */
  const groups = new Map();
  for (const box of boxes) push(groups, box.nodes[0]?.group_id ?? "", box);
  const following = boxes.flatMap((box) => {
    const members = box.followers.length ? groups.get(box.nodes[0]?.group_id ?? "") ?? [] : [];
    return members.flatMap((member) => box.followers.map((to) => joined(member, to)));
  });
  const below = boxes.flatMap((box) => [...box.children.map((child) => edge(box, child)), ...edges(box.children), ...edges(box.followers)]);
  return [...following, ...below];
}

/** @param {Box} member @param {Box} to @returns {Edge} */
const joined = (member, to) => (member.nodes.some(hasFailed) ? { ...edge(member, to), kind: "bad" } : edge(member, to));

/**
 * The drawing of these tasks.
 *
 * @param {Node[]} nodes in the order in which they were first seen
 * @param {string} current the id of the page's task
 * @returns {Drawing}
 */
export function draw(nodes, current) {
  const kin = new Kin(nodes);
  const pinned = kin.lineage(current);
  /** @type {Box[]} */
  let first = [];
  /** @type {Block} */
  let all = { height: 0, columns: 0, boxes: [] };
  for (const how of FOLDS) {
    first = new Folder(kin, pinned, how).boxes(kin.called.get("") ?? [], "");
    all = level(first);
    if (all.boxes.length <= CROWDED) break;
  }
  for (const box of all.boxes) {
    box.x = MARGIN + box.x * (BOX.width + GAP.x);
    box.y += MARGIN;
  }
  const width = all.columns * (BOX.width + GAP.x) - GAP.x + 2 * MARGIN;
  return { boxes: all.boxes, edges: edges(first), width: Math.max(0, width), height: all.height + 2 * MARGIN };
}

/**
 * The box that an arrow key leads to; null where there is none.
 *
 * @param {Drawing} drawing
 * @param {string} key of the box where it begins
 * @param {string} arrow
 * @returns {Box|null}
 */
export function towards({ boxes }, key, arrow) {
  const here = boxes.find((box) => box.key === key);
  const ends = { Home: boxes[0], End: boxes.at(-1) };
  if (arrow in ends) return ends[/** @type {keyof typeof ends} */ (arrow)] ?? null;
  if (!here) return boxes[0] ?? null;
  const isSideways = arrow === "ArrowLeft" || arrow === "ArrowRight";
  const sign = arrow === "ArrowLeft" || arrow === "ArrowUp" ? -1 : 1;
  const far = (/** @type {Box} */ box) => (isSideways ? sign * (box.x - here.x) : sign * (box.y - here.y));
  const aside = (/** @type {Box} */ box) => Math.abs(isSideways ? box.y - here.y : box.x - here.x);
  const ahead = boxes.filter((box) => far(box) > 0 && (isSideways || aside(box) === 0));
  return ahead.reduce((/** @type {Box|null} */ best, box) => (!best || far(box) < far(best) || (far(box) === far(best) && aside(box) < aside(best)) ? box : best), null);
}

/** Worst first: what somebody looks for in a box of many. */
const SEVERITY = ["failed", "lost", "stalled", "retrying", "running", "rejected", "expired", "cancelled", "reserved", "queued", "scheduled", "unknown", "succeeded"];

/** @param {Node} node */
export const stateOf = (node) => node.conclusion ?? node.status;

/**
 * How many tasks of a box are in which state, the worst first.
 *
 * @param {Node[]} nodes
 * @returns {[string, number][]}
 */
export function states(nodes) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const node of nodes) counts.set(stateOf(node), (counts.get(stateOf(node)) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => SEVERITY.indexOf(a) - SEVERITY.indexOf(b));
}
