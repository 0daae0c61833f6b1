import { AsyncLocalStorage } from 'node:async_hooks'

/** Something that holds a connection while the running code works: a transaction, or a connection lent to it. */
export interface Holder {
  /** Stands for the holder in the pool's books; a transaction's savepoints share it. */
  readonly identity: object
}

/** The holders around the running code, innermost first; several databases may be nested. */
interface Frame {
  readonly database: object
  readonly holder: Holder
  /** Calls of the database join it. */
  readonly joinable: boolean
  readonly outer: Frame | undefined
}

const frames = new AsyncLocalStorage<Frame>()

/** Runs `work` so that calls of this database inside it join `transaction`. */
export function inside<T>(database: object, transaction: Holder, work: () => T): T {
  return frames.run({ database, holder: transaction, joinable: true, outer: frames.getStore() }, work)
}

/** Runs `work`, which cannot end (and give `holder`'s connection back) before what it waits for. */
export function holding<T>(database: object, holder: Holder, work: () => T): T {
  return frames.run({ database, holder, joinable: false, outer: frames.getStore() }, work)
}

/** Runs `work` outside every transaction: for work that must not inherit a caller's context. */
export function outside<T>(work: () => T): T {
  return frames.exit(work)
}

/** The innermost transaction of `database` around the running code, open or settled. */
export function ambientTransaction(database: object): Holder | undefined {
  for (let frame = frames.getStore(); frame; frame = frame.outer) {
    if (frame.joinable && frame.database === database) return frame.holder
  }
  return undefined
}

const NONE: readonly object[] = Object.freeze([])

/** Identities of the holders around the running code: they cannot end before what they wait for now. */
export function waitingTransactions(): readonly object[] {
  let frame = frames.getStore()
  if (!frame) return NONE
  const identities: object[] = []
  for (; frame; frame = frame.outer) identities.push(frame.holder.identity)
  return identities
}
