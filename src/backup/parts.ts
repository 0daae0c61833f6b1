import { existsSync } from 'node:fs'
import { rootCertificates } from 'node:tls'
import type { BackupSettings } from '../config/resolved.js'
import { environment } from '../config/env.js'
import { ConfigError } from '../core/errors.js'
import type { DumpTools, ToolName } from '../core/dump.js'
import type { Notifier } from '../core/notify.js'
import type { PasswordSource } from '../core/target.js'
import type { DatabaseCore } from '../database/core.js'
import { keysOf, type BackupKeys } from './keys.js'
import { writePrivate } from './private-folder.js'
import type { Session, SessionTarget } from './session.js'
import type { BackupStore } from './store.js'
import { findTool, type Tool } from './tools.js'

/** What every job works with. */
export interface BackupParts extends BackupKeys {
  readonly settings: BackupSettings
  readonly store: BackupStore
  readonly tools: DumpTools
  readonly where: SessionTarget
  readonly engine: string
  /** The database that is backed up. */
  readonly database: string
  readonly notifier: Notifier
  /** Schema of the history of migrations. */
  readonly migrationsSchema: string
  /** Programs found so far. */
  readonly found: Map<string, Tool>
}

/** Collects the parts; loads the engine's knowledge of its tools. */
export async function backupParts(db: DatabaseCore, settings: BackupSettings, store: BackupStore): Promise<BackupParts> {
  const { driver, options, notifier } = db.assembly
  const where = serverOf(db)
  if (!driver.dump) {
    throw new ConfigError(`backups: ${driver.dialect.engine} has no dump tools here`, { option: 'backup', hint: 'see docs/guides/backups.md for the engines that have' })
  }
  const { database } = where.target
  if (database === undefined) throw new ConfigError('backups: the URL of the primary names no database', { option: 'primary' })
  return {
    settings, store, notifier, database, migrationsSchema: options.migrations.schema, engine: driver.dialect.engine,
    tools: await driver.dump(), found: new Map(),
    where,
    ...keysOf(settings),
  }
}

/**
 * The server of a job: past a pooler where there is a way, else whoever is primary at this moment. One configured as
 * primary may be so no more, and a backup of it would be of the past.
 */
export function serverOf(db: DatabaseCore): SessionTarget {
  const { driver, options, fleet } = db.assembly
  const primary = fleet.all.find(({ role }) => role === 'primary')?.name
  const { target, name, connectTimeoutMs } = options.direct ?? options.replicas.find((replica) => replica.name === primary) ?? options.primary
  return { driver, target, node: name, connectTimeoutMs }
}

/** The program for the server of that version. */
export async function toolFor(parts: BackupParts, name: ToolName, serverVersion: number): Promise<Tool> {
  const key = `${name} ${String(serverVersion)}`
  const known = parts.found.get(key)
  // it may have been removed or replaced by a package's update since
  if (known && existsSync(known.file)) return known
  const tool = await findTool({ tools: parts.tools, folder: parts.settings.toolsDir, path: environment()['PATH'] }, name, serverVersion)
  parts.found.set(key, tool)
  return tool
}

/** How a program logs in to the server that the session has reached. */
export interface Login {
  readonly env: Readonly<Record<string, string>>
  readonly args: readonly string[]
}

/** Prepares a program's login; its files go into the private folder. The password is asked for anew each time. */
export async function loginFor(parts: BackupParts, session: Session, database: string, folder: string): Promise<Login> {
  const { target } = parts.where
  const { env, args, files } = parts.tools.login({
    target, database, folder, address: session.server.address, password: await passwordOf(target.password), trusted: rootCertificates.join('\n'),
  })
  await writePrivate(folder, files)
  return { env, args }
}

async function passwordOf(source: PasswordSource | undefined): Promise<string | undefined> {
  return typeof source === 'function' ? source() : source
}
