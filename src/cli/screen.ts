import type { Stream } from './output.js'
import { clip } from './text.js'

const HIDE_CURSOR = '\u001B[?25l'
const SHOW_CURSOR = '\u001B[?25h'
const CLEAR_LINE_REST = '\u001B[K'
const CLEAR_BELOW = '\u001B[J'
const DEFAULT_COLUMNS = 80

/**
 * Some lines at the bottom of a terminal, redrawn in place. A frame is one write: every line is overwritten and only
 * its rest cleared, so nothing flickers. Lines are cut to the terminal's width, for one that wraps would spoil the count.
 */
export class Screen {
  readonly #stream: Stream
  #drawn = 0
  #hidden = false

  constructor(stream: Stream) { this.#stream = stream }

  // a terminal that was told no size says 0
  get columns(): number { return this.#stream.columns || DEFAULT_COLUMNS }
  get rows(): number { return this.#stream.rows || Infinity }

  /** Replaces the last frame. What does not fit into the terminal's height is left out, the last lines first. */
  draw(lines: readonly string[]): void {
    const fitting = lines.slice(0, Math.max(1, this.rows - 1))
    const body = fitting.map((line) => `${clip(line, this.columns - 1)}${CLEAR_LINE_REST}\n`).join('')
    this.#stream.write(`${this.#hide()}${this.#home()}${body}${CLEAR_BELOW}`)
    this.#drawn = fitting.length
  }

  /** Leaves the last frame where it is and gives the terminal back. Idempotent. */
  end(): void {
    this.#drawn = 0
    if (!this.#hidden) return
    this.#hidden = false
    this.#stream.write(SHOW_CURSOR)
  }

  #hide(): string {
    if (this.#hidden) return ''
    this.#hidden = true
    return HIDE_CURSOR
  }

  #home(): string {
    return this.#drawn === 0 ? '' : `\r\u001B[${String(this.#drawn)}A`
  }
}
