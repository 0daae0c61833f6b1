import type { BackupOptions, DatabaseOptions, RoutingOptions } from './options.js'

/** The fields that are not undefined. */
export function defined<T extends object>(value: T | undefined): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  const entries = Object.entries(value ?? {}).filter(([, item]) => item !== undefined)
  return Object.fromEntries(entries) as { [Key in keyof T]?: Exclude<T[Key], undefined> }
}

/**
 * Shorthands written out: `metrics: false`, `cache: true`, `fallbackToPrimary: true`, `schedule: '0 0 * * *'`.
 * Anything of the wrong type is passed on for the check to refuse. `encryption: true` becomes "encrypted with no
 * key", which the check refuses with the way to make one.
 */
export function expandShorthands(options: DatabaseOptions): DatabaseOptions {
  if (!isObject(options)) return options
  const { routing, backup } = options
  return {
    ...options,
    ...expanded('metrics', options.metrics),
    ...expanded('cache', options.cache),
    ...(isObject(routing) && routing !== undefined ? { routing: expandedRouting(routing) } : {}),
    ...(isObject(backup) && backup !== undefined ? { backup: expandedBackup(backup) } : {}),
  }
}

function expanded(name: 'metrics' | 'cache', value: unknown): DatabaseOptions {
  return typeof value === 'boolean' ? { [name]: { enabled: value } } : {}
}

function expandedRouting(routing: RoutingOptions): RoutingOptions {
  const { fallbackToPrimary, ejection } = routing
  return {
    ...routing,
    ...(typeof fallbackToPrimary === 'boolean' ? { fallbackToPrimary: { maxShare: fallbackToPrimary ? 1 : 0 } } : {}),
    ...(typeof ejection === 'boolean' ? { ejection: ejection ? {} : { maxShare: 0 } } : {}),
  }
}

function expandedBackup(backup: BackupOptions): BackupOptions {
  const encryption: unknown = backup.encryption
  return {
    ...backup,
    ...(typeof encryption === 'boolean' ? { encryption: encryption ? {} : undefined } : {}),
    ...(typeof backup.schedule === 'string' ? { schedule: { cron: backup.schedule } } : {}),
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
