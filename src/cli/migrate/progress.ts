import type { MigrationEvent } from '../../core/observer.js'
import { describeSession } from '../../migrations/run.js'
import { print, type Output } from '../output.js'
import { Screen } from '../screen.js'
import type { Style } from '../style.js'
import { millis, seconds } from '../text.js'
import { title } from './title.js'

const BAR_COLUMNS = 24
/** Between two lines about one wait. */
const WAIT_LINE_MS = 5_000

/** How far a run is, on stderr: finished migrations one below the other, and on a terminal a bar redrawn below them. */
export class MigrationProgress {
  readonly #output: Output
  readonly #style: Style
  readonly #screen: Screen | undefined
  #waitedAt = -Infinity

  constructor(output: Output) {
    this.#output = output
    this.#style = output.errorStyle
    this.#screen = output.err.isTTY === true ? new Screen(output.err) : undefined
  }

  tell(event: MigrationEvent): void {
    const { phase } = event
    if (phase === 'waiting' || phase === 'blocked') this.#wait(event)
    else if (phase === 'applied' || phase === 'reverted') this.#line(`${this.#style.green(this.#style.glyphs.done)} ${phase} ${title(event)} (${millis(event.durationMs)} ms)`)
    else if (phase === 'interrupted') this.#line(`${this.#style.yellow('!')} ${title(event)} was interrupted by the end of an earlier run; it is run again`)
    this.#bar(event)
  }

  /** Gives the terminal back. Idempotent. */
  end(): void { this.#screen?.end() }

  #wait({ phase, blockers, durationMs }: MigrationEvent): void {
    if (!this.#screen && performance.now() - this.#waitedAt < WAIT_LINE_MS) return
    this.#waitedAt = performance.now()
    const who = blockers.length === 0 ? 'another session' : blockers.map(describeSession).join('; ')
    const text = phase === 'waiting' ? `waiting for the lock (${seconds(durationMs)}), which is held by ${who}` : `a table is busy (${seconds(durationMs)}): ${who}`
    if (this.#screen) this.#screen.draw([this.#style.yellow(text)])
    else print(this.#output.err, text)
  }

  /** Above the bar. */
  #line(text: string): void {
    if (!this.#screen) {
      print(this.#output.err, text)
      return
    }
    this.#screen.draw([text])
    this.#screen.end()
  }

  #bar(event: MigrationEvent): void {
    const { phase, position, statement } = event
    if (!this.#screen || (phase !== 'applying' && phase !== 'reverting' && phase !== 'statement')) return
    const done = position ? position.number - 1 : 0
    const of = position?.of ?? 1
    const full = Math.round(done / of * BAR_COLUMNS)
    const { glyphs } = this.#style
    const part = statement ? `  statement ${String(statement.number)}/${String(statement.of)}` : ''
    this.#screen.draw([`${glyphs.full.repeat(full)}${glyphs.empty.repeat(BAR_COLUMNS - full)}  ${position ? `${String(position.number)}/${String(of)}  ` : ''}${title(event)}${part}`])
  }
}
