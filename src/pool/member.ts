import type { Connection } from '../core/driver.js'
import type { PoolSettings } from '../core/settings.js'
import type { Slot } from './backend.js'
import type { Doubt } from './settle.js'

/** Why a connection was closed; the `reason` of connect events. */
export type CloseReason =
  | 'idle' | 'max-idle' | 'lifetime' | 'uses' | 'reset' | 'surplus' | 'shutdown'
  | 'broken' | 'ping-failed' | 'in-flight' | 'open-transaction' | 'unsettled' | 'discarded' | 'cut-off'

/** An idle connection that has just answered needs no ping for so long (as pgx does). */
const FRESH_MS = 1_000

/** One open connection of a pool, with what the pool knows of it. */
export class Member {
  readonly connection: Connection
  readonly slot: Slot
  /** `performance.now()` when it was opened. */
  readonly openedAt: number
  /** Generation of the pool it was opened in; `reset` begins a new one. */
  readonly epoch: number
  /** A number in [-1, 1], drawn once: this connection's share of the lifetime jitter. */
  readonly #jitter: number
  uses = 0
  idleSince: number
  /** A cancel was sent and it is not yet certain that it cannot hit a later statement. */
  doubt: Doubt | undefined
  /** May serve its loan to the end, but no other. */
  tainted = false

  constructor(connection: Connection, slot: Slot, epoch: number, now: number) {
    this.connection = connection
    this.slot = slot
    this.epoch = epoch
    this.openedAt = now
    this.idleSince = now
    this.#jitter = Math.random() * 2 - 1
  }

  /** Why this connection must not be lent again; undefined when it may. */
  worn(settings: PoolSettings, epoch: number, now: number): CloseReason | undefined {
    if (this.connection.broken) return 'broken'
    if (this.epoch !== epoch) return 'reset'
    if (settings.maxLifetimeMs > 0 && now - this.openedAt >= this.#lifetimeMs(settings)) return 'lifetime'
    if (settings.maxUses > 0 && this.uses >= settings.maxUses) return 'uses'
    return undefined
  }

  needsPing(settings: PoolSettings, now: number): boolean {
    if (settings.validation === 'never') return false
    return settings.validation === 'always' || now - this.idleSince > FRESH_MS
  }

  #lifetimeMs(settings: PoolSettings): number {
    return Math.max(0, settings.maxLifetimeMs + this.#jitter * settings.maxLifetimeJitterMs)
  }
}
