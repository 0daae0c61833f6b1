/** What a job is doing. */
export type BackupPhase =
  | 'preparing' | 'waiting' | 'snapshot' | 'dumping' | 'uploading' | 'globals' | 'committing' | 'checking' | 'restoring' | 'comparing' | 'done'

/** How far a job is. */
export interface BackupProgress {
  readonly phase: BackupPhase
  /** Bytes that went through in this phase. */
  readonly bytes: number
  /** Bytes this phase will take, where that is known (a restore) or guessed (from the last backup). */
  readonly totalBytes: number | undefined
  readonly bytesPerSecond: number
  /** Milliseconds left, when `totalBytes` is known. */
  readonly etaMs: number | undefined
}

/** Told a few times a second, and at every change of phase: also how many bytes the phase that ends has taken. One that throws is ignored. */
export type OnProgress = (progress: BackupProgress) => void

const INTERVAL_MS = 200

/** Measures a job and tells its listener, not for every chunk. */
export class Progress {
  readonly #listener: OnProgress | undefined
  #phase: BackupPhase = 'preparing'
  #total: number | undefined
  #startedAt = performance.now()
  #toldAt = -Infinity
  #bytes = 0
  #toldBytes = 0
  /** Bytes of finished objects of this phase. */
  #base = 0

  constructor(listener: OnProgress | undefined) { this.#listener = listener }

  phase(phase: BackupPhase, totalBytes?: number): void {
    if (this.#bytes !== this.#toldBytes) this.#tell()
    this.#phase = phase
    this.#total = totalBytes
    this.#startedAt = performance.now()
    this.#bytes = 0
    this.#base = 0
    this.#tell()
  }

  /** A listener for one object's running total. */
  counter(): (bytes: number) => void {
    this.#base = this.#bytes
    return (bytes) => {
      this.#bytes = this.#base + bytes
      if (performance.now() - this.#toldAt >= INTERVAL_MS) this.#tell()
    }
  }

  #tell(): void {
    this.#toldAt = performance.now()
    this.#toldBytes = this.#bytes
    const seconds = (this.#toldAt - this.#startedAt) / 1_000
    const bytesPerSecond = seconds > 0 ? this.#bytes / seconds : 0
    const left = this.#total === undefined || bytesPerSecond === 0 ? undefined : Math.max(0, this.#total - this.#bytes)
    try {
      this.#listener?.({
        phase: this.#phase, bytes: this.#bytes, totalBytes: this.#total, bytesPerSecond: Math.round(bytesPerSecond),
        etaMs: left === undefined ? undefined : Math.round(left / bytesPerSecond * 1_000),
      })
    } catch {
      // it watches, it does not steer
    }
  }
}
