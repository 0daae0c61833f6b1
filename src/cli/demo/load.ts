import { setImmediate as nextTurn } from 'node:timers/promises'
import { sleep } from '../../core/deadline.js'
import type { Database } from '../../facade/database.js'
import { ACCOUNTS, PRODUCTS, type LoadStatements } from './engine.js'
import type { Ledger } from './ledger.js'

/** Loops that read and loops that write, at the same time. */
export const READERS = 16
export const WRITERS = 4
/** After a failure, so that a dead server is not asked ten thousand times. */
const PAUSE_AFTER_FAILURE_MS = 50

/** Mixed load through one `Database`: each loop sends its next statement when the last one is answered. */
export class Load {
  readonly #db: Database
  readonly #statements: LoadStatements
  readonly #ledger: Ledger
  #loops: readonly Promise<void>[] = []
  #stopped = false

  constructor(db: Database, statements: LoadStatements, ledger: Ledger) {
    this.#db = db
    this.#statements = statements
    this.#ledger = ledger
  }

  start(): void {
    this.#loops = [
      ...Array.from({ length: READERS }, (_, index) => this.#loop('read', (turn) => this.#read(index + turn))),
      ...Array.from({ length: WRITERS }, (_, index) => this.#loop('write', (turn) => this.#write(index + turn))),
    ]
  }

  /** Lets what is under way end, and starts nothing more. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#loops)
  }

  async #loop(kind: 'read' | 'write', step: (turn: number) => Promise<void>): Promise<void> {
    for (let turn = 0; !this.#stopped; turn++) {
      try {
        await step(turn)
        // an engine in this process answers without ever letting a timer have its turn
        await nextTurn()
      } catch (error) {
        this.#ledger.failed(kind, error)
        await sleep(PAUSE_AFTER_FAILURE_MS)
      }
    }
  }

  /** Three of four reads look up a product, one an account's latest orders. */
  async #read(turn: number): Promise<void> {
    const { readProduct, readOrders } = this.#statements
    if (turn % 4 > 0) {
      const id = among(PRODUCTS)
      const { rows, node, durationMs } = await this.#db.query<{ id: number }>(readProduct, [id])
      this.#ledger.read(node, durationMs, rows.length === 1 && rows[0]?.id === id)
      return
    }
    const account = among(ACCOUNTS)
    const { rows, node, durationMs } = await this.#db.query<{ account: number }>(readOrders, [account])
    this.#ledger.read(node, durationMs, rows.every((row) => row.account === account))
  }

  /** Every other write is one statement, the others are transactions that move money between two accounts. */
  async #write(turn: number): Promise<void> {
    const id = this.#ledger.nextId()
    const [account, product, amount] = [among(ACCOUNTS), among(PRODUCTS), among(9)]
    const order = [id, account, product, amount]
    if (turn % 2 === 0) {
      const { node, durationMs } = await this.#db.execute(this.#statements.insertOrder, order)
      this.#ledger.wrote(node, id, durationMs, false)
      return
    }
    const startedAt = performance.now()
    const node = await this.#transfer(order, account, amount)
    this.#ledger.wrote(node, id, performance.now() - startedAt, true)
  }

  #transfer(order: readonly number[], from: number, amount: number): Promise<string> {
    const to = from % ACCOUNTS + 1
    // Always the lower account first: two transfers never wait for each other in a circle.
    const taken = [from, -amount] as const
    const given = [to, amount] as const
    const moves = from < to ? [taken, given] : [given, taken]
    return this.#db.transaction(async (tx) => {
      for (const move of moves) await tx.execute(...this.#statements.addToBalance(...move))
      return (await tx.execute(this.#statements.insertOrder, order)).node
    })
  }
}

/** A whole number from 1 to `limit`. */
function among(limit: number): number {
  return 1 + Math.floor(Math.random() * limit)
}
