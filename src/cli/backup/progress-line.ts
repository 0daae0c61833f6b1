import type { BackupProgress } from '../../backup/progress.js'
import { print, type Output } from '../output.js'
import { Screen } from '../screen.js'
import type { Style } from '../style.js'
import { bytes, seconds } from '../text.js'

const BAR_COLUMNS = 24
/** Between two lines about one phase, without a terminal. */
const LINE_MS = 5_000

/** How far a job is: one line redrawn in place on a terminal, else a line now and then. */
export class ProgressLine {
  readonly #output: Output
  readonly #screen: Screen | undefined
  #phase: string | undefined
  #shownAt = 0

  constructor(output: Output) {
    this.#output = output
    this.#screen = output.err.isTTY === true ? new Screen(output.err) : undefined
  }

  show(progress: BackupProgress): void {
    const line = progressText(progress, this.#output.errorStyle)
    if (this.#screen) {
      this.#screen.draw([line])
      return
    }
    if (progress.phase === this.#phase && performance.now() - this.#shownAt < LINE_MS) return
    this.#phase = progress.phase
    this.#shownAt = performance.now()
    print(this.#output.err, line)
  }

  /** Leaves the last line where it is. Idempotent. */
  end(): void { this.#screen?.end() }
}

/** Phase, bar, bytes, rate and time left, as far as they are known. */
export function progressText({ phase, bytes: done, totalBytes, bytesPerSecond, etaMs }: BackupProgress, { glyphs }: Style): string {
  const share = totalBytes === undefined || totalBytes === 0 ? undefined : Math.min(1, done / totalBytes)
  const full = Math.round((share ?? 0) * BAR_COLUMNS)
  return [
    phase.padEnd(10),
    ...share === undefined ? [] : [`${glyphs.full.repeat(full)}${glyphs.empty.repeat(BAR_COLUMNS - full)} ${String(Math.floor(share * 100)).padStart(3)} %`],
    ...done === 0 ? [] : [bytes(done), `${bytes(bytesPerSecond)}/s`],
    ...share === undefined || etaMs === undefined || done === 0 ? [] : [`${seconds(etaMs)} left`],
  ].join('  ').trimEnd()
}
