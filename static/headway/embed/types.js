/**
 * The shapes of the embedded element. No page loads this file: it is for the type checker.
 * Durations are seconds, instants Unix seconds.
 *
 * @typedef {{current: number|null, total: number|null, percent: number|null, unit?: string|null,
 *   message?: string|null, stage?: string|null, stages?: string[]|null, step?: number, steps?: number}} Progress
 *   `step` of `steps`: where a chain is
 *
 * @typedef {{succeeded: number, failed: number, cancelled: number, running: number, waiting: number}} Counts
 *
 * @typedef {object} Row the public view of a task or group (docs/reference/protocol.md)
 * @property {string} [subject]
 * @property {string} [id]
 * @property {string|null} [label]
 * @property {string} status
 * @property {string|null} [conclusion]
 * @property {Progress|null} [progress]
 * @property {number|null} [queue_position]
 * @property {number|null} [eta_seconds]
 * @property {[number, number]|null} [usual_seconds]
 * @property {number|null} [attempt]
 * @property {number|null} [retry_in]
 * @property {number|null} [starts_in]
 * @property {number|null} [elapsed_seconds]
 * @property {string|null} [note]
 * @property {{message: string|null, reference: string|null}|null} [error]
 * @property {unknown} [result]
 * @property {string[]} [can]
 * @property {Counts} [counts]
 * @property {number|null} [at_least] known members, where nobody said how many there are
 * @property {number|null} [updated_at]
 * @property {number} [revision]
 *
 * @typedef {Record<string, string>} Words
 *
 * @typedef {object} Standing what is known of the connection
 * @property {string|null} [transport] websocket, stream, polling
 * @property {boolean} [isLost]
 * @property {boolean} [isOnline]
 * @property {boolean} isBlind
 * @property {number} heardAt
 * @property {number|null} [retryAt]
 * @property {string} [problem] the sentence that says why it is not followed any more
 *
 * @typedef {{words: Words, lang: string, now: number, at: number, endAt: number|null, label: string,
 *   standing: Standing}} Setting
 *   `at`: when the row came; `endAt`: when it is expected to be over
 *
 * @typedef {{name: string, state: "done"|"now"|"next", value: number}} Step
 *
 * @typedef {object} Face what is seen
 * @property {string} state
 * @property {string} title
 * @property {string} value
 * @property {string} note
 * @property {string} ref
 * @property {number|null|undefined} bar percent; null: nobody knows; undefined: no bar
 * @property {Step[]|null} steps
 * @property {string[]|null} cells
 * @property {string[]} acts
 * @property {boolean} isGroup
 *
 * @typedef {object} Follower what an element is to the link
 * @property {string[]} subjects
 * @property {string} token
 * @property {string|null} refresh
 * @property {(row: Row, epoch: string) => void} take
 * @property {() => void} notice something about the connection has changed
 * @property {(code: string, message: string) => void} refuse it is not followed any more
 * @property {() => boolean} isOver
 *
 * @typedef {object} Pass a token, and who relies on it
 * @property {string} key
 * @property {string} token
 * @property {string} origin the token it began with
 * @property {string|null} refresh
 * @property {Set<Follower>} followers
 * @property {""|"renewing"|"refused"} state
 * @property {boolean} isTold
 * @property {Promise<boolean>|null} renewal
 *
 * @typedef {{readyState: number, send(text: string): void, close(): void,
 *   onmessage: ((event: any) => void)|null, onclose: ((event: any) => void)|null, onerror?: ((event: any) => void)|null}} Socket
 *
 * @typedef {object} Outside what the browser gives
 * @property {(url: string) => Socket} connect
 * @property {(url: string, init: object) => Promise<any>} fetch
 * @property {() => number} now
 * @property {() => number} random
 * @property {(run: () => void, ms: number) => number} setTimeout
 * @property {(timer: number|undefined) => void} clearTimeout
 * @property {() => boolean} isHidden
 * @property {() => boolean} isOnline
 * @property {() => string} [csrf]
 *
 * @typedef {{phase: ""|"ask"|"busy", text: string, isListed?: boolean}} Doing what a visitor is at
 *
 * @typedef {object} Host what an element is to its acts; read anew with each
 * @property {import ("./link.js").Link} link
 * @property {Pass} pass
 * @property {string} subject
 * @property {Words} words
 * @property {(text: string|undefined, values: Record<string, string|number|undefined>) => string} fill
 * @property {(row: Row) => string} stateOf
 * @property {HTMLElement} list
 * @property {(doing: Doing) => void} show
 * @property {(id: string, token: string) => void} goOn follows another task in place of this
 * @property {(name: string, detail: unknown) => void} emit
 *
 * @typedef {object} Way what a link is to its streaming and polling
 * @property {Outside["fetch"]} fetch
 * @property {string} url with a slash at its end
 * @property {object} init
 * @property {() => boolean} isCurrent whether anybody still waits for this answer
 * @property {(text: string) => void} take a frame; empty: a sign of life
 * @property {(states: {states: Row[], errors: any[], epoch: string, revision: number}) => void} told
 */
