import { fileURLToPath } from 'node:url'
import { ConfigError } from '../core/errors.js'

/**
 * The folder a location names: `file:./backups`, or a plain path.
 *
 * @throws {@link ConfigError} any other scheme; S3 is to come, until then give a `store` of your own
 */
export function folderOf(location: string): string {
  if (location.startsWith('file://')) return fileURLToPath(location)
  if (location.startsWith('file:')) return location.slice('file:'.length) || '.'
  if (!/^[a-z][a-z0-9+.-]+:/i.test(location)) return location
  throw new ConfigError(`backup.location: expected file:<folder>, got the scheme '${location.slice(0, location.indexOf(':'))}:'`, {
    option: 'backup.location', hint: 'other places, S3 among them, need a store of your own: new BackupManager(db, { store })',
  })
}
