import type { Driver } from '../core/driver.js'
import { asError } from '../core/deadline.js'
import { ConfigError } from '../core/errors.js'
import type { Notifier } from '../core/notify.js'
import type { ResolvedOptions } from '../config/resolved.js'
import { makeCache } from '../cache/make-cache.js'
import type { NotifyBusParts } from '../cache/notify-bus.js'
import type { QueryCache } from '../cache/query-cache.js'
import type { Node } from '../router/node.js'
import { connectSettings } from './connect-settings.js'

/** What the cache needs of its database. */
export interface DatabaseCacheParts {
  readonly driver: Driver
  readonly options: ResolvedOptions
  readonly notifier: Notifier
  readonly primary: () => Node
}

/** The query cache of a database; switched off it is there all the same, and stays empty. */
export function databaseCache(parts: DatabaseCacheParts): QueryCache {
  const { options, notifier } = parts
  const warn = (code: string, message: string, thrown: unknown): void => {
    const error = asError(thrown)
    notifier.notify('warning', { code, node: undefined, message: `${message}: ${error.message}`, error })
  }
  return makeCache({
    max: options.cache?.max ?? 1, maxBytes: options.cache?.maxBytes, whileDisconnected: options.cache?.whileDisconnected ?? 'bypass',
    store: options.cache?.store, namespace: namespaceOf(options),
    bus: options.cache?.invalidation === 'notify' ? busParts(parts, warn) : undefined,
    onStoreTrouble: (error) => { warn('SLUICE_CACHE_STORE', 'the cache store failed; rows are read from the database meanwhile', error) },
    onRefreshError: (error) => { warn('SLUICE_CACHE_REFRESH', 'cached rows could not be refreshed', error) },
  })
}

type Warn = (code: string, message: string, thrown: unknown) => void

function busParts({ driver, options, primary }: DatabaseCacheParts, warn: Warn): NotifyBusParts {
  const { notifications, engine } = driver.dialect
  if (!notifications) {
    throw new ConfigError(`cache.invalidation: expected 'process' (${engine} has no notifications), got 'notify'`, {
      option: 'cache.invalidation', hint: 'processes can share a store instead: cache: { store: redisStore(…) }',
    })
  }
  const { direct } = options
  return {
    notifications,
    // past a transaction pooler where there is one: a session that listens cannot be shared
    connect: (signal) => direct ? driver.connect(connectSettings(direct, 'primary', options), signal) : primary().connect(signal),
    onLost: (error) => { warn('SLUICE_CACHE_BUS', 'news of what other processes write do not arrive', error) },
  }
}

/** The same for every process that would get the same rows: server, database, user, and how values arrive. */
function namespaceOf({ primary: { target }, types }: ResolvedOptions): string {
  const hosts = target.hosts.map(({ host, port }) => `${host}:${String(port)}`).join(',')
  return [target.scheme, hosts, target.database ?? '', target.user ?? '', types.bigint].join('|')
}
