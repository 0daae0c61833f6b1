import { afterEach } from 'vitest'
import { Database, type DatabaseOptions, type Observer, type QueryEvent, type TransactionEvent, type WarningEvent } from '../../../src/index.js'
import type { FreshDatabase } from '../../support/database.js'

/** Opens a {@link Database}; all that were opened are closed after each test. */
export type Open = (options?: DatabaseOptions) => Promise<Database>

/** Opens databases on a file's own database: its primary and both replicas unless told otherwise. */
export function opener(server: Pick<FreshDatabase, 'primaryUrl' | 'replicaUrls'>): Open {
  const open = new Set<Database>()
  afterEach(async () => {
    await Promise.all(Array.from(open, (db) => db.close({ drainMs: 500 })))
    open.clear()
  })
  return async (options = {}) => {
    const db = new Database({ primary: server.primaryUrl, replicas: [...server.replicaUrls], ...options })
    open.add(db)
    return db.connect()
  }
}

/** Everything an observer was told. */
export class Told implements Observer {
  readonly queries: QueryEvent[] = []
  readonly transactions: TransactionEvent[] = []
  readonly warnings: WarningEvent[] = []

  query(event: QueryEvent): void { this.queries.push(event) }
  transaction(event: TransactionEvent): void { this.transactions.push(event) }
  warning(event: WarningEvent): void { this.warnings.push(event) }
}

/** The error a promise ends with. */
export async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(() => { throw new Error('expected an error, got none') }, (error: unknown) => error)
}
