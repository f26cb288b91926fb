/**
 * The shapes that travel between the server and this page. Instants are Unix seconds, durations
 * seconds, unless a name ends in `_ms`.
 *
 * @typedef {{current: number|null, total: number|null, percent: number|null, unit: string|null,
 *   message: string|null, stage: string|null, stages: string[]|null, updated_at: number}} Progress
 *
 * @typedef {{number: number, retries: number, worker: string|null, sent_at: number|null,
 *   received_at: number|null, started_at: number|null, finished_at: number|null,
 *   outcome: string|null, runtime: number|null, exception?: string|null}} Attempt
 *
 * @typedef {{exception: string, traceback?: string|null, at: number, worker: string|null}} Fault
 *
 * @typedef {{id: string, name: string|null, state: string, status: string, conclusion: string|null,
 *   queue: string|null, worker: string|null, priority: number|null, retries: number,
 *   eta: number|null, expires: number|null, first_seen_at: number, sent_at: number|null,
 *   received_at: number|null, started_at: number|null, finished_at: number|null,
 *   wait: number|null, runtime: number|null, updated_at: number, progress: Progress|null,
 *   root_id: string|null, parent_id: string|null, group_id: string|null, owner: string|null,
 *   label: string|null, retry_at: number|null, reason: string|null, revision: number,
 *   args?: unknown[]|string|null, kwargs?: Record<string, unknown>|string|null,
 *   result?: string|null, exception?: string|null, traceback?: string|null,
 *   attempts?: Attempt[], errors?: Fault[], signature?: string|null}} TaskRow
 *
 * @typedef {{name: string, state: "online"|"silent"|"gone", pid: number|null, first_seen_at: number,
 *   last_heartbeat_at: number, freq: number|null, active: number, processed: number,
 *   loadavg: number[]|null, clock_offset: number|null, sw_ident: string|null, sw_ver: string|null,
 *   sw_sys: string|null, pool: string|null, concurrency: number|null, queues: string[]|null,
 *   inspected_at: number|null, revision: number}} WorkerRow
 *
 * @typedef {[number, boolean]} Count a number, and whether counting stopped there
 * @typedef {Record<string, Count>} Counts
 * @typedef {{epoch: string, revision: number}} Cursor
 *
 * @typedef {{state: "live"|"behind"|"blind"|"repairing", lag_ms: number|null, epoch?: string,
 *   revision?: number, alive_at?: number|null, events_per_second?: number, receiver?: string|null,
 *   gap?: {from_at: number, until_at: number|null, reason: string, repaired: number}|null,
 *   counters?: {events?: number, rejected?: Record<string, number>, dropped?: number}}} Stream
 *
 * @typedef {{op: "snapshot", view: number, frame: number, revision: number, rows: any[],
 *   counts?: Counts|null, part?: number, of?: number}} SnapshotFrame
 * @typedef {{op: "patch", view: number, frame: number, revision: number, upsert?: any[],
 *   remove?: string[], counts?: Counts|null}} PatchFrame
 * @typedef {{code: string, message: string, at?: number|null, until?: number|null,
 *   allowed?: string[], retry?: boolean, view?: number}} Refusal
 */

export {};
