import type { Pool as GenericPool } from 'generic-pool'
import { load } from '../core/load.js'

/** The right to one connection of the pool, from before it is opened until after it is closed. */
export interface Slot {
  readonly kind: 'slot'
}

/**
 * The ledger of slots: who may have a connection open. One slot never has two owners, and one given back twice is an
 * error. How many may be taken is the pool's decision, because that number changes at run time.
 */
export interface PoolBackend {
  /** Slots taken, those on their way included. */
  readonly taken: number
  /** Takes a slot; never waits for one to be given back. */
  take(): Promise<Slot>
  /** Gives a slot back; throws when it was not taken. */
  give(slot: Slot): void
}

/**
 * The ledger kept by generic-pool. It is asked only for what it does well, exclusive loans of a resource: its resource
 * is a slot, not a connection, so that creating never fails, nothing is validated or evicted, and no caller ever waits
 * in its queue (docs/decisions/0003-generic-pool-behind-one-file.md says why).
 */
export class GenericPoolBackend implements PoolBackend {
  #pool: Promise<GenericPool<Slot>> | undefined
  #opened: GenericPool<Slot> | undefined
  #taken = 0

  get taken(): number { return this.#taken }

  async take(): Promise<Slot> {
    this.#taken++
    try {
      this.#opened ??= await this.#open()
      return await this.#opened.acquire()
    } catch (cause) {
      this.#taken--
      throw cause
    }
  }

  give(slot: Slot): void {
    const pool = this.#opened
    if (!pool?.isBorrowedResource(slot)) throw new Error('a slot was given back that is not taken')
    this.#taken--
    void pool.release(slot)
  }

  #open(): Promise<GenericPool<Slot>> {
    this.#pool ??= openGenericPool().catch((cause: unknown) => {
      this.#pool = undefined
      throw cause
    })
    return this.#pool
  }
}

async function openGenericPool(): Promise<GenericPool<Slot>> {
  const { default: genericPool } = await load('generic-pool', () => import('generic-pool'), 'the connection pool')
  const factory = {
    create: (): Promise<Slot> => Promise.resolve({ kind: 'slot' }),
    destroy: (): Promise<void> => Promise.resolve(),
  }
  return genericPool.createPool<Slot>(factory, { min: 0, max: Number.MAX_SAFE_INTEGER, autostart: false })
}
