import { withTimeout } from '../core/deadline.js'
import type { Connection } from '../core/driver.js'
import type { Notifier } from '../core/notify.js'
import type { PoolBackend, Slot } from './backend.js'
import { Member, type CloseReason } from './member.js'
import type { PoolStats } from './stats.js'

/** A polite close that takes longer is finished by dropping the socket. */
const CLOSE_TIMEOUT_MS = 1_000

/** Closed without a farewell: the protocol state is unknown, or somebody still uses it. */
const ABRUPT: ReadonlySet<CloseReason> = new Set<CloseReason>([
  'broken', 'ping-failed', 'in-flight', 'open-transaction', 'unsettled', 'discarded', 'cut-off',
])

/**
 * The open connections of a pool. What is in `idle` is idle, and nothing else is; the last one returned is the first
 * one lent again, so that the others may grow old and be closed.
 */
export class Members {
  readonly all = new Set<Member>()
  readonly idle: Member[] = []
  readonly #node: string
  readonly #backend: PoolBackend
  readonly #notifier: Notifier
  readonly #closed: () => void
  readonly #closings = new Set<Promise<void>>()
  readonly #counts = new Map<CloseReason, number>()
  #opened = 0

  /** @param closed - called when a connection is gone and its slot is free */
  constructor(node: string, backend: PoolBackend, notifier: Notifier, closed: () => void) {
    this.#node = node
    this.#backend = backend
    this.#notifier = notifier
    this.#closed = closed
  }

  /** What became of connections, ever. */
  get fates(): Pick<PoolStats, 'opened' | 'maxIdleClosed' | 'maxIdleTimeClosed' | 'maxLifetimeClosed' | 'maxUsesClosed' | 'brokenClosed'> {
    const closed = (reason: CloseReason): number => this.#counts.get(reason) ?? 0
    return {
      opened: this.#opened,
      maxIdleClosed: closed('max-idle'),
      maxIdleTimeClosed: closed('idle'),
      maxLifetimeClosed: closed('lifetime'),
      maxUsesClosed: closed('uses'),
      brokenClosed: [...ABRUPT].reduce((sum, reason) => sum + closed(reason), 0),
    }
  }

  add(connection: Connection, slot: Slot, epoch: number, durationMs: number): Member {
    const member = new Member(connection, slot, epoch, performance.now())
    this.all.add(member)
    this.#opened++
    if (this.#notifier.listens('connect')) {
      this.#notifier.notify('connect', { node: this.#node, action: 'opened', durationMs, reason: undefined, error: undefined })
    }
    return member
  }

  /** Closes a connection that is not in `idle`. Harmless when it is gone already. `detail` explains the reason to people. */
  close(member: Member, reason: CloseReason, detail?: string): void {
    if (!this.all.delete(member)) return
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1)
    if (this.#notifier.listens('connect')) {
      this.#notifier.notify('connect', { node: this.#node, action: 'closed', durationMs: 0, reason: detail ?? reason, error: undefined })
    }
    if (ABRUPT.has(reason)) {
      member.connection.destroy()
      this.#free(member)
      return
    }
    const closing = farewell(member.connection).then(() => {
      this.#closings.delete(closing)
      this.#free(member)
    })
    this.#closings.add(closing)
  }

  /** Closes the idle connections `why` gives a reason for. */
  sweep(why: (member: Member) => CloseReason | undefined): void {
    const idle = this.idle.splice(0)
    for (const member of idle) {
      const reason = why(member)
      if (reason) this.close(member, reason)
      else this.idle.push(member)
    }
  }

  /** Resolves when every connection being closed is gone; bounded. */
  async closings(): Promise<void> {
    await Promise.all(this.#closings)
  }

  // The slot is kept until the connection is gone, so that the server never sees more sessions than the pool's size.
  #free(member: Member): void {
    this.#backend.give(member.slot)
    this.#closed()
  }
}

async function farewell(connection: Connection): Promise<void> {
  try {
    await withTimeout(connection.close(), CLOSE_TIMEOUT_MS, () => new Error('not closed in time'))
  } catch {
    connection.destroy()
  }
}
