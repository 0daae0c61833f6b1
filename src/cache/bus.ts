import type { Dependencies } from './dependencies.js'

/** What a bus tells the cache. */
export interface BusListener {
  /** Another process has changed these; undefined: it could be anything. */
  changed(names: Dependencies | undefined): void
}

/** Carries invalidations between processes. */
export interface InvalidationBus {
  /** Messages of others arrive now. While they do not, nobody knows what was changed. */
  readonly connected: boolean
  start(listener: BusListener): void
  /** Tells the others, as soon as possible. Never throws. */
  publish(names: Dependencies | undefined): void
  /** The server that takes writes is another one now. */
  reconnect(): void
  close(): Promise<void>
}
