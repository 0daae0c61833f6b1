import type { PGlite, protocol } from '@electric-sql/pglite'
import { Turnstile, type Wait } from '../../core/turnstile.js'
import { throwFirst, type BackendMessage } from './answer.js'
import { gone, stopped } from './failure.js'

/** The writer of protocol messages. */
export type Serialize = typeof protocol.serialize

/** What PGlite says of itself when it has started. */
export interface EngineFacts {
  readonly version: string
  readonly versionNumber: number
}

/**
 * One PGlite, for all connections to one database in this process.
 *
 * Invariants: one connection at a time is inside, and a transaction is inside until it ends; what a connection that has gone
 * left behind in the session is cleared away before the next one's first statement.
 */
export class Engine {
  readonly serialize: Serialize
  readonly facts: EngineFacts
  readonly #client: PGlite
  readonly #turnstile = new Turnstile()
  #status = 'I'
  #unclean = false
  #readOnly = false
  #failure: Error | undefined

  constructor(client: PGlite, serialize: Serialize, facts: EngineFacts) {
    this.#client = client
    this.serialize = serialize
    this.facts = facts
  }

  /** It has stopped for good. */
  get broken(): boolean { return this.#failure !== undefined }

  /** Whether this one has a transaction open. */
  inTransaction(who: object): boolean { return this.#turnstile.holds(who) && this.#status !== 'I' }

  /**
   * The engine for this one alone until {@link Engine.leave}.
   *
   * @param onWait - given the way out of the line; undefined once the wait is over
   */
  async enter(who: object, readOnly: boolean, onWait: (wait: Wait | undefined) => void): Promise<void> {
    // inside already, in a transaction of its own: what another one left behind waits until that has ended
    if (this.#turnstile.holds(who)) return
    const wait = this.#turnstile.enter(who)
    if (wait) {
      onWait(wait)
      await wait.entered.finally(() => { onWait(undefined) })
    }
    try {
      if (this.#unclean) await this.#clean()
      // Always said again where it must hold: the session is not this connection's alone.
      if (this.#status === 'I' && (readOnly || this.#readOnly)) await this.#setReadOnly(readOnly)
    } catch (error) {
      this.#turnstile.leave(who)
      throw error
    }
  }

  /** Ends the turn; a connection inside a transaction keeps it. */
  leave(who: object): void {
    if (this.#status === 'I' || this.broken) this.#turnstile.leave(who)
  }

  /** This one does not come back: its transaction is over, and its session. */
  part(who: object, used: boolean): void {
    if (used) this.#unclean = true
    this.#turnstile.leave(who)
  }

  /** Transaction, settings, temporary tables and locks of the session are gone afterwards. For whoever is inside. */
  async clear(): Promise<void> { await this.#clean() }

  /** Sends protocol messages and gives the answer to them; errors of the server are part of it. */
  async exchange(message: Uint8Array): Promise<readonly BackendMessage[]> {
    if (this.#failure) throw gone()
    try {
      const { messages } = await this.#client.execProtocol(message, { throwOnError: false })
      for (const each of messages) if (each.name === 'readyForQuery') this.#status = (each as { status?: string }).status ?? 'I'
      return messages
    } catch (cause) {
      this.#failure = stopped(cause)
      throw this.#failure
    }
  }

  /** Never rejects: what could not be written at the end is in the log, and is played back at the next start. */
  async close(): Promise<void> {
    this.#failure ??= gone()
    if (!this.#client.closed) await this.#client.close().catch(() => undefined)
  }

  async #clean(): Promise<void> {
    if (this.#status !== 'I') await this.#run('rollback')
    await this.#run('discard all')
    this.#unclean = this.#readOnly = false
  }

  async #setReadOnly(readOnly: boolean): Promise<void> {
    await this.#run(`set default_transaction_read_only = ${readOnly ? 'on' : 'off'}`)
    this.#readOnly = readOnly
  }

  async #run(text: string): Promise<void> {
    throwFirst(await this.exchange(this.serialize.query(text)))
  }
}
