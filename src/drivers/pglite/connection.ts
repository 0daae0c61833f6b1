import type { Connection, ConnectSettings, ServerFacts } from '../../core/driver.js'
import { ConfigError } from '../../core/errors.js'
import type { DriverResult } from '../../core/result.js'
import type { Statement } from '../../core/statement.js'
import type { Wait } from '../../core/turnstile.js'
import { wireValues, type WireValue } from '../postgres/params.js'
import { rememberParams } from '../postgres/redact.js'
import type { ParserOf } from '../postgres/row-shape.js'
import { readAnswer } from './answer.js'
import type { Engine } from './engine.js'
import { gone } from './failure.js'
import { NODE_QUESTION } from './probes.js'
import { moreOf, portalOf, requestOf } from './request.js'

let lastId = 0

/**
 * One connection to a PGlite: a place in the line of those who use its one session. A statement that runs holds up the
 * whole process and cannot be interrupted; one that waits for its turn is given up by `destroy`.
 */
export class PgliteConnection implements Connection {
  readonly id = ++lastId
  readonly server: ServerFacts
  readonly #engine: Engine
  readonly #readOnly: boolean
  readonly #parserOf: ParserOf
  readonly #release: () => Promise<void>
  #wait: Wait | undefined
  #inFlight = 0
  #used = false
  #gone = false
  #released: Promise<void> | undefined

  /** @param release - called once, when this connection is done with the engine */
  constructor(engine: Engine, settings: ConnectSettings, parserOf: ParserOf, release: () => Promise<void>) {
    this.#engine = engine
    this.#readOnly = settings.readOnly
    this.#parserOf = parserOf
    this.#release = release
    this.server = { ...engine.facts, address: undefined, pooled: false }
  }

  get broken(): boolean { return this.#gone || this.#engine.broken }
  get inFlight(): number { return this.#inFlight }
  get idle(): boolean { return !this.#engine.inTransaction(this) }

  async query<Row = Record<string, unknown>>(statement: Statement): Promise<DriverResult<Row>> {
    if (this.broken) throw gone()
    if (statement.text === NODE_QUESTION) return { rows: [{ in_recovery: false } as Row], rowCount: 1, fields: [], command: 'SELECT' }
    const values = wireValues(statement)
    await this.#enter()
    try {
      const { serialize } = this.#engine
      const answer = await this.#engine.exchange(requestOf(serialize, statement.text, values))
      const { rows, rowCount, fields, command } = readAnswer(answer, this.#parserOf)
      return { rows: rows as Row[], rowCount, fields, command }
    } catch (error) {
      rememberParams(error, values)
      throw error
    } finally {
      this.#leave()
    }
  }

  async *stream<Row = Record<string, unknown>>(
    statement: Statement, { batchSize }: { readonly batchSize: number },
  ): AsyncGenerator<Row[], void, undefined> {
    if (this.broken) throw gone()
    if (!Number.isInteger(batchSize) || batchSize < 1) {
      throw new ConfigError(`batchSize: expected a whole number above 0, got ${String(batchSize)}`, { option: 'batchSize' })
    }
    const values = wireValues(statement)
    await this.#enter()
    try {
      yield* this.#batches<Row>(statement.text, values, batchSize)
    } catch (error) {
      rememberParams(error, values)
      throw error
    } finally {
      this.#leave()
    }
  }

  /** However the loop ends, the portal is closed by the Sync, and the server is ready for the next statement. */
  async *#batches<Row>(text: string, values: WireValue[], batchSize: number): AsyncGenerator<Row[], void, undefined> {
    const { serialize } = this.#engine
    try {
      let next = portalOf(serialize, text, values, batchSize)
      let shape
      for (let suspended = true; suspended; next = moreOf(serialize, batchSize)) {
        const answer = readAnswer(await this.#engine.exchange(next), this.#parserOf, shape)
        ;({ suspended, shape } = answer)
        if (answer.rows.length > 0) yield answer.rows as Row[]
        if (this.broken) throw gone()
      }
    } finally {
      if (!this.#engine.broken) await this.#engine.exchange(serialize.sync())
    }
  }

  async reset(): Promise<void> {
    if (this.broken) throw gone()
    await this.#enter()
    try {
      await this.#engine.clear()
    } finally {
      this.#leave()
    }
  }

  ping(): Promise<void> {
    return this.broken ? Promise.reject(gone()) : Promise.resolve()
  }

  /** Resolves when the engine has been closed too, where this was its last user. */
  async close(): Promise<void> {
    this.destroy()
    await this.#released
  }

  destroy(): void {
    if (this.#gone) return
    this.#gone = true
    this.#wait?.giveUp(gone())
    if (this.#inFlight === 0) this.#part()
  }

  async #enter(): Promise<void> {
    this.#inFlight++
    this.#used = true
    try {
      await this.#engine.enter(this, this.#readOnly, (wait) => { this.#wait = wait })
    } catch (error) {
      this.#leave()
      throw error
    }
  }

  #leave(): void {
    this.#inFlight--
    if (!this.#gone) this.#engine.leave(this)
    else if (this.#inFlight === 0) this.#part()
  }

  #part(): void {
    this.#engine.part(this, this.#used)
    this.#released = this.#release()
  }
}
