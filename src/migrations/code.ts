import { pathToFileURL } from 'node:url'
import type { Queryable } from '../core/queryable.js'
import { loadError } from './load-error.js'

/** What a migration written in TypeScript or JavaScript works with: the calls of a database, all inside its transaction. */
export type MigrationTransaction = Pick<Queryable, 'query' | 'execute' | 'one' | 'maybeOne' | 'many' | 'value' | 'stream'>

/** What such a migration exports. */
export interface MigrationModule {
  up(context: { readonly tx: MigrationTransaction }): unknown
  down?(context: { readonly tx: MigrationTransaction }): unknown
}

/** Imports a migration file. @throws ConfigError it cannot be imported, or exports no `up` */
export async function importMigration(path: string): Promise<MigrationModule> {
  let found: unknown
  try {
    found = await import(pathToFileURL(path).href)
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== 'ERR_UNKNOWN_FILE_EXTENSION') throw cause
    throw loadError(path, 'this Node.js cannot run TypeScript', 'use Node.js 22.18 or newer, start with tsx, or compile the file to JavaScript')
  }
  return checkedModule(found, path)
}

/** @throws ConfigError it is no migration */
export function checkedModule(found: unknown, path: string): MigrationModule {
  const outer = (found ?? {}) as { up?: unknown; down?: unknown; default?: unknown }
  // CommonJS arrives as a default export.
  const module = typeof outer.up === 'function' ? outer : (outer.default ?? outer) as { up?: unknown; down?: unknown }
  if (typeof module.up !== 'function') throw loadError(path, 'exports no function `up`', 'export async function up({ tx }) { … }')
  if (module.down !== undefined && typeof module.down !== 'function') throw loadError(path, '`down` is no function', 'export async function down({ tx }) { … }, or leave it out')
  return module as unknown as MigrationModule
}
