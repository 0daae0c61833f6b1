import { sleep } from '../../core/deadline.js'
import type { Database } from '../../facade/database.js'
import { TransactionOutcomeUnknownError } from '../../core/errors.js'
import { millis } from '../text.js'
import { ACCOUNTS, PRODUCTS, type LoadStatements } from './engine.js'
import type { Succession } from './succession.js'

/** What the failover showed. */
export interface FailoverReport {
  readonly promoted: string
  /** Between two acknowledged writes, around the death of the primary. */
  readonly gapMs: number
  /** From the new primary taking writes to the first write acknowledged by it. */
  readonly afterPromotionMs: number
  /** Ids of the orders that were acknowledged, and of those that were not. */
  readonly acknowledged: readonly number[]
  readonly failed: readonly number[]
  readonly unknown: readonly number[]
  readonly reads: number
  readonly failedReads: number
  /** Message of the first failure. */
  readonly firstFailure: string | undefined
}

/** What the act works with. */
export interface FailoverParts {
  readonly db: Database
  readonly succession: Succession
  readonly statements: LoadStatements
  readonly nextId: () => number
  readonly signal: AbortSignal
  readonly tell: (text: string) => void
}

const WRITERS = 4
const READERS = 4
/** So many writes are acknowledged before the primary dies, and again behind the new one. */
const WRITES_AROUND = 200
const WITHIN_MS = 60_000
const POLL_MS = 10
const PAUSE_MS = 2

/** Writers and readers, the death of the primary, the promotion of a replica, and how it went on. */
export async function failover({ succession, tell, signal, ...parts }: FailoverParts): Promise<FailoverReport> {
  const books = new Books()
  const stop = new AbortController()
  const loops = [
    ...Array.from({ length: WRITERS }, () => write(parts, books, stop.signal)), ...Array.from({ length: READERS }, () => read(parts, books, stop.signal)),
  ]
  try {
    await until(() => books.acknowledged.length >= WRITES_AROUND, signal)
    tell('kill -9 on all processes of the primary, with writes under way')
    const killedAt = performance.now()
    await succession.kill()
    const promoted = await succession.promote()
    const promotedAt = performance.now()
    tell(`${promoted} was promoted and takes writes, ${millis(promotedAt - killedAt)} ms after the kill`)
    await until(() => books.times.some((time) => time > promotedAt), signal)
    const firstAt = books.times.find((time) => time > promotedAt) ?? Infinity
    const lastBefore = books.times.findLast((time) => time <= killedAt) ?? killedAt
    const { length } = books.acknowledged
    tell(`writes go on, ${millis(firstAt - promotedAt)} ms after that`)
    await until(() => books.acknowledged.length >= length + WRITES_AROUND, signal)
    return { promoted, gapMs: firstAt - lastBefore, afterPromotionMs: firstAt - promotedAt, ...books.facts }
  } finally {
    stop.abort()
    await Promise.all(loops)
  }
}

/** What was heard of each call. */
class Books {
  readonly acknowledged: number[] = []
  readonly times: number[] = []
  readonly failed: number[] = []
  readonly unknown: number[] = []
  reads = 0
  failedReads = 0
  firstFailure: string | undefined

  get facts(): Pick<FailoverReport, 'acknowledged' | 'failed' | 'unknown' | 'reads' | 'failedReads' | 'firstFailure'> {
    const { acknowledged, failed, unknown, reads, failedReads, firstFailure } = this
    return { acknowledged, failed, unknown, reads, failedReads, firstFailure }
  }

  missed(error: unknown): void { this.firstFailure ??= error instanceof Error ? error.message : String(error) }
}

type Looping = Pick<FailoverParts, 'db' | 'statements' | 'nextId'>

async function write({ db, statements, nextId }: Looping, books: Books, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    const id = nextId()
    try {
      // the key makes sure that what is sent again because its answer was lost is done once
      await db.execute(statements.insertOrder, [id, 1 + id % ACCOUNTS, 1 + id % PRODUCTS, 1], { idempotencyKey: `order ${String(id)}` })
      books.times.push(performance.now())
      books.acknowledged.push(id)
    } catch (error) {
      books.missed(error)
      const list = error instanceof TransactionOutcomeUnknownError ? books.unknown : books.failed
      list.push(id)
    }
    await sleep(PAUSE_MS)
  }
}

async function read({ db, statements }: Looping, books: Books, stop: AbortSignal): Promise<void> {
  for (let turn = 0; !stop.aborted; turn++) {
    try {
      await db.query(statements.readProduct, [1 + turn % PRODUCTS])
      books.reads++
    } catch (error) {
      books.missed(error)
      books.failedReads++
    }
    await sleep(PAUSE_MS)
  }
}

async function until(done: () => boolean, signal: AbortSignal): Promise<void> {
  for (const expiresAt = performance.now() + WITHIN_MS; !done();) {
    if (performance.now() > expiresAt) throw new Error(`the failover did not go on within ${String(WITHIN_MS / 1_000)} s`)
    await sleep(POLL_MS, signal)
  }
}
