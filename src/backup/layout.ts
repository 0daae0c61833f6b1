import { randomBytes } from 'node:crypto'

const LETTERS = '0123456789abcdefghjkmnpqrstvwxyz'

/** An id that sorts by time: `2026-11-20T030000Z-7k3m9q2x`. */
export function newId(at: Date): string {
  const time = at.toISOString().replace(/\.\d+Z$/, 'Z').replaceAll(':', '')
  return `${time}-${Array.from(randomBytes(8), (byte) => LETTERS[byte & 31] ?? '').join('')}`
}

/** A name as a part of a key: other characters than letters, digits, `_` and `-` are written `.xx`. */
function keyPart(name: string): string {
  return Array.from(Buffer.from(name), (byte) => {
    const letter = String.fromCharCode(byte)
    return /[A-Za-z0-9_-]/.test(letter) ? letter : `.${byte.toString(16).padStart(2, '0')}`
  }).join('')
}

/** Everything of this library is below this. */
export const ROOT = 'v1/'

/** Folder of one database's backups. */
export function databaseFolder(cluster: string, database: string): string {
  return `${ROOT}${keyPart(cluster)}/${keyPart(database)}/`
}

/** Folder of one backup. */
export function backupFolder(cluster: string, database: string, id: string): string {
  return `${databaseFolder(cluster, database)}backups/${id}/`
}

export const MANIFEST = 'manifest.json'
export const PIN = 'pin.json'

/** Identifiers end at so many bytes. */
const NAME_BYTES = 63

/** A name beside a database's own: as much of it as there is room for, and the suffix. */
export function nameBeside(database: string, suffix: string): string {
  const head = Array.from(database)
  while (Buffer.byteLength(head.join('') + suffix) > NAME_BYTES) head.pop()
  return head.join('') + suffix
}
