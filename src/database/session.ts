import { AsyncLocalStorage } from 'node:async_hooks'
import type { Progress } from './progress.js'

/** The sessions around the running code, innermost first; several databases may be nested. */
interface Frame {
  readonly database: object
  readonly progress: Progress
  readonly outer: Frame | undefined
}

const frames = new AsyncLocalStorage<Frame>()
/** Sessions under way in this process: while there are none, nobody pays for looking. */
let underWay = 0

/** Options of `db.session`. */
export interface SessionOptions {
  /** Where to resume: what `db.causalToken()` gave, here or in another process; several are merged. */
  readonly token?: string | readonly string[] | undefined
}

/** Runs `work` in a session of `database`. */
export async function inSession<T>(database: object, progress: Progress, work: () => Promise<T> | T): Promise<T> {
  underWay++
  try {
    return await frames.run({ database, progress, outer: frames.getStore() }, async () => work())
  } finally {
    underWay--
  }
}

/** How far the innermost session of `database` around the running code has come. */
export function currentSession(database: object): Progress | undefined {
  if (underWay === 0) return undefined
  for (let frame = frames.getStore(); frame; frame = frame.outer) if (frame.database === database) return frame.progress
  return undefined
}
