import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Database, type DatabaseOptions } from '../../src/index.js'

/** What was read, and where. */
export interface CounterRead {
  readonly n: number
  readonly node: string
}

const ASK = 'select n from counter'

/** Reads the counter with a token. */
export async function readCounter(db: Database, token: string): Promise<CounterRead> {
  const { rows: [row], node } = await db.session(() => db.query<{ n: number }>(ASK), { token })
  return { n: row?.n ?? -1, node }
}

/** The same in a process of its own: this file, run as a program. */
export class ReaderProcess {
  readonly #child: ChildProcess

  constructor(options: DatabaseOptions) {
    this.#child = fork(fileURLToPath(import.meta.url), [JSON.stringify(options)])
  }

  /** @throws Error the process has ended */
  async read(token: string): Promise<CounterRead> {
    const answered = new AbortController()
    const ended = once(this.#child, 'exit', { signal: answered.signal }).then(() => { throw new Error('the reading process has ended') })
    try {
      const message = once(this.#child, 'message', { signal: answered.signal })
      this.#child.send(token)
      const [read] = await Promise.race([message, ended]) as [CounterRead]
      return read
    } finally {
      answered.abort()
      ended.catch(() => undefined)
    }
  }

  close(): void {
    if (this.#child.connected) this.#child.disconnect()
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.send) {
  const db = await Database.open(JSON.parse(process.argv[2] ?? '{}') as DatabaseOptions)
  // A failed read ends the process: the bench must not go on without it.
  process.on('message', (token) => { void readCounter(db, String(token)).then((read) => process.send?.(read)) })
  process.on('disconnect', () => { void db.close({ drainMs: 0 }) })
}
