import type { SqliteBuild } from './build.js'
import { OpenFile, type OpenOptions } from './open-file.js'
import type { Source } from './source.js'

/** A handle of this connection's own: builds that share files between handles, and files. */
export class OwnSource implements Source {
  readonly #build: SqliteBuild
  readonly #options: OpenOptions
  #file: OpenFile

  constructor(build: SqliteBuild, options: OpenOptions) {
    this.#build = build
    this.#options = options
    this.#file = new OpenFile(build, options)
  }

  get version(): string { return this.#file.version }
  get inTransaction(): boolean { return this.#file.inTransaction }
  enter(): Promise<OpenFile> { return Promise.resolve(this.#file) }
  leave(): void { /* it stays ours */ }
  touched(): void { /* it stays ours */ }

  /** A new handle is a new session; what the old one had open is rolled back. */
  reset(): Promise<void> {
    const old = this.#file
    try {
      this.#file = new OpenFile(this.#build, this.#options)
    } finally {
      old.close()
    }
    return Promise.resolve()
  }

  close(): void { this.#file.close() }
}
