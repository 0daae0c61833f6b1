import { readFile } from 'node:fs/promises'
import { BackupManager } from '../../backup/backup-manager.js'
import { optionsFromEnvironment } from '../../config/env.js'
import type { BackupOptions, DatabaseOptions } from '../../config/options.js'
import { Database } from '../../facade/database.js'
import { optionsOfFile } from '../chosen-options.js'
import type { Invocation } from '../command.js'
import { UsageError } from '../exit.js'
import type { Output } from '../output.js'
import { textOption, textOptions, wholeOption } from '../values.js'

/** The backups a command line is about. */
export interface OpenBackups {
  readonly backups: BackupManager
  readonly close: () => Promise<void>
}

/** Of the file that was named, else of the environment; what stands on the command line outranks both. Opens no connection. */
export async function openBackups(invocation: Invocation, output: Output): Promise<OpenBackups> {
  const file = textOption(invocation, 'config', undefined)
  const options: DatabaseOptions = file === undefined ? optionsFromEnvironment(output.env).options
    : await optionsOfFile(file, textOption(invocation, 'database', undefined), output)
  if (file === undefined && flagGiven(invocation, 'database')) throw new UsageError('--database names one of a file\'s databases: give --config, too')
  const db = new Database({ ...options, backup: await backupOptions(invocation, options.backup ?? {}) })
  return { backups: new BackupManager(db), close: () => db.close({ drainMs: 0 }) }
}

const flagGiven = ({ options }: Invocation, name: string): boolean => options[name] !== undefined

async function backupOptions(invocation: Invocation, given: BackupOptions): Promise<BackupOptions> {
  const location = textOption(invocation, 'location', undefined)
  const jobs = wholeOption(invocation, 'jobs', { min: 0, max: 256, otherwise: 0 })
  const encryption = await encryptionOptions(invocation, given)
  return {
    ...given, ...location === undefined ? {} : { location }, ...jobs === 0 ? {} : { parallelJobs: jobs },
    ...encryption === undefined ? {} : { encryption },
  }
}

async function encryptionOptions(invocation: Invocation, { encryption }: BackupOptions): Promise<BackupOptions['encryption']> {
  const recipients = textOptions(invocation, 'recipient')
  const file = textOption(invocation, 'identityFile', undefined)
  if (recipients === undefined && file === undefined) return encryption
  const given = typeof encryption === 'object' ? encryption : {}
  return { ...given, ...recipients ? { recipients } : {}, ...file === undefined ? {} : { identities: await identitiesIn(file) } }
}

/** Private keys come from files alone: what stands on a command line can be seen by every process. */
async function identitiesIn(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new UsageError(`--identity-file: ${(cause as Error).message}`)
  })
  const keys = text.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'))
  if (keys.length > 0) return keys
  throw new UsageError(`--identity-file: ${file} has no key`, 'age-keygen -o backup-key.txt makes one')
}

