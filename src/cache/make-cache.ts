import type { CacheStore } from '../core/cache-store.js'
import { NotifyBus, type NotifyBusParts } from './notify-bus.js'
import { QueryCache } from './query-cache.js'
import { SharedEntries } from './shared.js'

/** How a cache is to be made. */
export interface CachePlan {
  readonly max: number
  readonly maxBytes: number | undefined
  readonly whileDisconnected: 'bypass' | 'serve'
  readonly store: CacheStore | undefined
  /** Keeps databases apart that share a store. */
  readonly namespace: string
  /** How other processes are told of writes; undefined: they are not. */
  readonly bus: NotifyBusParts | undefined
  /** The shared store failed, and rows come from the database meanwhile. */
  readonly onStoreTrouble: (error: Error) => void
  readonly onRefreshError: (error: unknown) => void
}

/** Wires a query cache. */
export function makeCache(plan: CachePlan): QueryCache {
  const { max, maxBytes, whileDisconnected, store, namespace, bus, onStoreTrouble, onRefreshError } = plan
  return new QueryCache({
    max, maxBytes, whileDisconnected, onRefreshError,
    bus: bus && new NotifyBus(bus), shared: store && new SharedEntries(store, namespace, onStoreTrouble),
  })
}
