import { AsyncLocalStorage } from 'node:async_hooks'

/** A transaction as this file sees it. */
export interface Ambient {
  /** Stands for the transaction, its savepoints included. */
  readonly identity: object
}

/** The transactions around the running code, innermost first; several databases may be nested. */
interface Frame {
  readonly database: object
  readonly transaction: Ambient
  readonly outer: Frame | undefined
}

const frames = new AsyncLocalStorage<Frame>()

/** Runs `work` so that calls of this database inside it join `transaction`. */
export function inside<T>(database: object, transaction: Ambient, work: () => T): T {
  return frames.run({ database, transaction, outer: frames.getStore() }, work)
}

/** Runs `work` outside every transaction: for work that must not inherit a caller's context. */
export function outside<T>(work: () => T): T {
  return frames.exit(work)
}

/** The innermost transaction of `database` around the running code, open or settled. */
export function ambientTransaction(database: object): Ambient | undefined {
  for (let frame = frames.getStore(); frame; frame = frame.outer) if (frame.database === database) return frame.transaction
  return undefined
}

const NONE: readonly object[] = Object.freeze([])

/** Identities of the open transactions around the running code: they cannot end before what they wait for now. */
export function waitingTransactions(): readonly object[] {
  let frame = frames.getStore()
  if (!frame) return NONE
  const identities: object[] = []
  for (; frame; frame = frame.outer) identities.push(frame.transaction.identity)
  return identities
}
