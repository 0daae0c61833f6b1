import { createHash, randomUUID } from 'node:crypto'
import { asError, limitsFrom } from '../core/deadline.js'
import { detached } from '../core/detached.js'
import type { Dialect } from '../core/dialect.js'
import { IdempotencyKeyError, QueryError, SluiceError } from '../core/errors.js'
import type { IdempotencyFacts } from '../core/idempotency-facts.js'
import type { Notifier } from '../core/notify.js'
import { NO_OPTIONS } from '../core/queryable.js'
import type { IdempotencySettings } from '../core/settings.js'
import { statement } from '../core/statement.js'
import { oneProblem } from '../config/problem.js'
import { bounded } from './bounded-work.js'
import { outcomeOf, outcomeText } from './recorded-outcome.js'
import type { Transaction, TransactionOptions } from './transaction.js'

/** What keys need of their database. */
export interface IdempotencyParts {
  readonly dialect: Dialect
  readonly settings: IdempotencySettings
  readonly notifier: Notifier
  /** Runs an ordinary transaction. */
  readonly run: <T>(work: (tx: Transaction) => Promise<T>, options: TransactionOptions) => Promise<T>
}

/** Work that is to be done once: under which key, and what tells it from other work. */
export interface KeyedWork<T> {
  readonly key: string
  /** Texts and parameters of statements, or the name of a transaction; stored as a digest. */
  readonly what: string
  readonly work: (tx: Transaction) => Promise<T> | T
}

/** How often old keys are cleared away. */
const FORGET_EVERY_MS = 600_000

/**
 * Work done exactly once, however often it is asked for: its key is stored in the transaction that does it, and with the key
 * what came of it. Whoever asks again finds the key, or waits for the transaction that is storing it.
 *
 * The key is the only thing that tells what became of a COMMIT whose answer was lost when another server has taken over:
 * either both the key and the changes are there, or neither.
 */
export class Idempotency {
  readonly #parts: IdempotencyParts
  readonly #table: string
  #ready: Promise<void> | undefined
  #forgotAt = performance.now()

  constructor(parts: IdempotencyParts) {
    this.#parts = parts
    this.#table = parts.settings.table.split('.').map((part) => parts.dialect.quoteIdentifier(part)).join('.')
  }

  /**
   * @param run - runs the transaction that does the work, again where its connection is lost
   * @throws {@link IdempotencyKeyError} the key stands for other work, or what the work returned cannot be stored
   */
  async once<T>(keyed: KeyedWork<T>, run: (work: (tx: Transaction) => Promise<T>) => Promise<T>, options: TransactionOptions): Promise<T> {
    const facts = this.#facts()
    const limits = limitsFrom(options.timeoutMs, options.signal)
    const call: KeyedCall<T> = { ...keyed, attempts: new Map(), tableMissing: false }
    for (let looked = false; ; looked = true) {
      // made once for all callers: none of them takes it along when it leaves
      await bounded(() => this.#ready ??= this.#prepare(facts), limits, NAME)
      try {
        const value = await run((tx) => this.#attempt(facts, call, tx))
        this.#forget(facts)
        return value
      } catch (error) {
        // the table was there once; another server may have taken over that never had it
        if (!call.tableMissing || looked) throw error
        this.#ready = undefined
      }
    }
  }

  async #attempt<T>(facts: IdempotencyFacts, call: KeyedCall<T>, tx: Transaction): Promise<T> {
    const { key, what, work, attempts } = call
    call.tableMissing = false
    const claim = randomUUID()
    const kind = createHash('sha256').update(what).digest('hex')
    const row = await this.#claim(facts, [key, claim, kind], tx).catch((error: unknown) => {
      call.tableMissing = error instanceof QueryError
      throw error
    })
    const stored = String(row['claim'])
    if (stored !== claim) {
      if (String(row['work']) !== kind) throw otherWork(tx.node)
      const earlier = attempts.get(stored)
      // an attempt of this very call, whose COMMIT was not answered
      if (earlier) tx.afterCommit(() => earlier.foundOut('committed'))
      return outcomeOf<T>(row['outcome'])
    }
    for (const earlier of attempts.values()) tx.afterCommit(() => earlier.foundOut('rolled-back'))
    attempts.set(claim, tx)
    const value = await work(tx)
    if (tx.state !== 'open') return value
    const text = outcomeText(value, tx.node)
    if (text !== undefined) await tx.run(statement(facts.record(this.#table), [text, key], undefined, NAME), NO_OPTIONS)
    return outcomeOf<T>(text)
  }

  /** The row of the key, which is this claim's own or that of whoever was first. */
  async #claim(facts: IdempotencyFacts, [key, claim, kind]: readonly [string, string, string], tx: Transaction): Promise<Record<string, unknown>> {
    const [, found] = await tx.runAll([
      statement(facts.claim(this.#table), [key, claim, kind], undefined, NAME), statement(facts.read(this.#table), [key], undefined, NAME),
    ], NO_OPTIONS)
    const row = found?.rows[0]
    if (row) return row
    throw new IdempotencyKeyError('the row of an idempotency key is gone again: something else deletes from the table', { node: tx.node, transient: true })
  }

  #facts(): IdempotencyFacts {
    const { idempotency, engine } = this.#parts.dialect
    if (idempotency) return idempotency
    throw oneProblem('idempotencyKey', 'nothing', 'a key', `${engine} has no idempotency keys: leave it out`)
  }

  /** Makes the table where it is not there; who may not is told how. */
  async #prepare(facts: IdempotencyFacts): Promise<void> {
    const options = { timeoutMs: PREPARE_MS, name: NAME }
    try {
      if (await this.#exists(facts, options)) return
      try {
        for (const text of facts.create(this.#table)) await this.#parts.run((tx) => tx.run(statement(text), NO_OPTIONS), options)
      } catch (error) {
        // another process may have made it meanwhile
        if (!(error instanceof SluiceError) || !await this.#exists(facts, options)) throw cannotMake(error, facts.create(this.#table))
      }
    } catch (error) {
      this.#ready = undefined
      throw error
    }
  }

  async #exists(facts: IdempotencyFacts, options: TransactionOptions): Promise<boolean> {
    try {
      await this.#parts.run((tx) => tx.run(statement(facts.read(this.#table), ['']), NO_OPTIONS), options)
      return true
    } catch (error) {
      if (error instanceof QueryError) return false
      throw error
    }
  }

  /** Old keys go while nobody waits for it. */
  #forget(facts: IdempotencyFacts): void {
    const now = performance.now()
    if (now - this.#forgotAt < FORGET_EVERY_MS) return
    this.#forgotAt = now
    const { run, settings: { keepMs }, notifier } = this.#parts
    detached(() => {
      run((tx) => tx.run(statement(facts.forget(this.#table), [keepMs]), NO_OPTIONS), { name: NAME }).catch((thrown: unknown) => {
        const error = asError(thrown)
        notifier.notify('warning', { code: 'SLUICE_IDEMPOTENCY', node: undefined, error, message: `old idempotency keys could not be deleted: ${error.message}` })
      })
    })
  }
}

const NAME = 'sluice: idempotency key'
/** Longest wait for the table to be there. */
const PREPARE_MS = 60_000

/** One call, through all its attempts. */
interface KeyedCall<T> extends KeyedWork<T> {
  /** By their claims. */
  readonly attempts: Map<string, Transaction>
  /** The key could not be stored, and not because of a conflict. */
  tableMissing: boolean
}

function otherWork(node: string): IdempotencyKeyError {
  return new IdempotencyKeyError('this idempotency key was used before for other work; nothing was done', {
    node, hint: 'a key stands for one piece of work: make a new one for each, and hand on the same one only to repeat it',
  })
}

function cannotMake(cause: unknown, texts: readonly string[]): unknown {
  if (!(cause instanceof QueryError)) return cause
  return new QueryError(`the table of idempotency keys is not there and could not be made: ${cause.message}`, cause.serverCode, {
    cause, node: cause.node, hint: `let a migration make it, as a role that may: ${texts.join('; ')}`,
  })
}
