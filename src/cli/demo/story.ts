/** Something that happened, for people. */
export interface StoryEvent {
  /** Milliseconds since the load began. */
  readonly atMs: number
  readonly text: string
}

/** What happened so far, and what is happening now. */
export class Story {
  readonly #startedAt: number
  readonly #onEvent: (event: StoryEvent) => void
  readonly #events: StoryEvent[] = []
  /** One sentence. */
  now = ''

  constructor(onEvent: (event: StoryEvent) => void) {
    this.#startedAt = performance.now()
    this.#onEvent = onEvent
  }

  get events(): readonly StoryEvent[] { return this.#events }
  get elapsedMs(): number { return performance.now() - this.#startedAt }

  tell(text: string): void {
    const event = { atMs: this.elapsedMs, text }
    this.#events.push(event)
    this.#onEvent(event)
  }
}
