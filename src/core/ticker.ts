/**
 * Runs an asynchronous job at intervals, never twice at once, without keeping the process alive. The next run is
 * scheduled when the last one has ended. Errors are the job's own affair: it must not reject.
 */
export class Ticker {
  readonly #job: () => Promise<void> | void
  readonly #intervalMs: () => number
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #started = false

  constructor(job: () => Promise<void> | void, intervalMs: () => number) {
    this.#job = job
    this.#intervalMs = intervalMs
  }

  get started(): boolean { return this.#started }

  start(): void {
    if (this.#started) return
    this.#started = true
    this.#schedule()
  }

  /** Stops and waits for a run in progress. */
  async stop(): Promise<void> {
    this.#started = false
    clearTimeout(this.#timer)
    await this.#running
  }

  /** Runs now; joins the run in progress when there is one. */
  run(): Promise<void> {
    if (this.#running) return this.#running
    clearTimeout(this.#timer)
    this.#running = Promise.resolve(this.#job()).finally(() => {
      this.#running = undefined
      if (this.#started) this.#schedule()
    })
    return this.#running
  }

  #schedule(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => { void this.run() }, this.#intervalMs())
    this.#timer.unref()
  }
}
