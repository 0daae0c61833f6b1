import { SluiceError, sql, TransactionOutcomeUnknownError, QueryTimeoutError, type Database, type Sql } from '../../src/index.js'
import type { Random } from './random.js'

/** What became of one write, as its caller heard it. */
export type Heard = 'acknowledged' | 'unknown' | 'refused'

/** A way of writing a row, and what may be heard of it. */
interface Way {
  readonly name: string
  /** It has a key: nothing but an acknowledgement is good enough. */
  readonly keyed: boolean
  write(db: Database, client: number, n: number): Promise<unknown>
}

const insert = (client: number, n: number): Sql => sql`insert into entry (client, n) values (${client}, ${n})`
const KEY = (client: number, n: number): string => `client ${String(client)} row ${String(n)}`

const WAYS: readonly Way[] = [
  { name: 'a statement', keyed: false, write: (db, client, n) => db.execute(insert(client, n)) },
  { name: 'a statement with a key', keyed: true, write: (db, client, n) => db.execute(insert(client, n), { idempotencyKey: KEY(client, n) }) },
  { name: 'a transaction', keyed: false, write: (db, client, n) => db.transaction((tx) => tx.execute(insert(client, n))) },
  { name: 'a transaction with a key', keyed: true, write: (db, client, n) =>
    db.transaction(async (tx) => { await tx.execute(insert(client, n)) }, { idempotencyKey: KEY(client, n) }) },
  { name: 'a batch', keyed: false, write: (db, client, n) => db.batch([insert(client, n), 'select 1']) },
]

/**
 * One user of the service: writes a row, reads its own rows, on one process and then on another, and takes its token along.
 * What it sees must never be older than what it was told or saw before.
 */
export class Client {
  readonly heard = new Map<number, { readonly what: Heard; readonly keyed: boolean; readonly way: string; readonly error: unknown }>()
  /** What must not be. */
  readonly complaints: string[] = []
  reads = 0
  readsOnReplicas = 0
  readonly #id: number
  readonly #databases: readonly Database[]
  readonly #random: Random
  #token: string | undefined
  #n = 0
  #acknowledged = 0
  #seen = 0
  #stopped = false

  constructor(id: number, databases: readonly Database[], random: Random) {
    this.#id = id
    this.#databases = databases
    this.#random = random
  }

  stop(): void { this.#stopped = true }

  async run(): Promise<void> {
    while (!this.#stopped) {
      const db = this.#random.pick(this.#databases)
      await db.session(async () => {
        for (let left = 1 + this.#random.below(4); left > 0 && !this.#stopped; left--) await this.#step(db)
        this.#token = db.causalToken()
      }, this.#token === undefined ? {} : { token: this.#token })
      await new Promise((resolve) => { setTimeout(resolve, this.#random.below(15)) })
    }
  }

  async #step(db: Database): Promise<void> {
    if (this.#random.below(3) > 0) await this.#write(db)
    await this.#read(db)
  }

  async #write(db: Database): Promise<void> {
    const n = ++this.#n
    const { name, keyed, write } = this.#random.pick(WAYS)
    try {
      await write(db, this.#id, n)
      this.heard.set(n, { what: 'acknowledged', keyed, way: name, error: undefined })
      this.#acknowledged = n
    } catch (error) {
      const unknown = error instanceof TransactionOutcomeUnknownError || error instanceof QueryTimeoutError
      this.heard.set(n, { what: unknown ? 'unknown' : 'refused', keyed, way: name, error })
      if (!(error instanceof SluiceError)) this.#complain(`${name} ${String(n)} threw what is no error of the library: ${String(error)}`)
      if (keyed) this.#complain(`${name} ${String(n)} was not acknowledged: ${String(error)}`)
    }
  }

  async #read(db: Database): Promise<void> {
    try {
      const { rows, node, route } = await db.query<{ n: number }>(sql`select coalesce(max(n), 0) as n from entry where client = ${this.#id}`)
      const n = rows[0]?.n ?? -1
      this.reads++
      if (route === 'read') this.readsOnReplicas++
      if (n < this.#acknowledged) this.#complain(`read ${String(n)} on ${node} (${route}) after ${String(this.#acknowledged)} was acknowledged`)
      if (n < this.#seen) this.#complain(`read ${String(n)} on ${node} (${route}) after ${String(this.#seen)} had been read`)
      this.#seen = Math.max(this.#seen, n)
    } catch (error) {
      this.#complain(`a read failed: ${String(error)}`)
    }
  }

  #complain(what: string): void { this.complaints.push(`client ${String(this.#id)}: ${what}`) }
}
