import type { DumpFormat, DumpSelection, DumpedTable } from '../core/dump.js'
import { BackupError } from './errors.js'
import { checkedText, signedText, type SigningKey } from './signature.js'

/** One stored object of a backup. */
export interface ManifestObject {
  /** Key relative to the backup's folder: `data.dump.age`. */
  readonly key: string
  readonly kind: 'data' | 'globals'
  /** Hexadecimal SHA-256 and size of what the tool wrote. */
  readonly plainSha256: string
  readonly plainBytes: number
  /** The same of what is stored. */
  readonly sha256: string
  readonly bytes: number
}

/** How the bytes of an object were made of what the tool wrote. */
export interface ManifestEncoding {
  readonly format: DumpFormat
  /** `tool`: inside the dump's own format. */
  readonly compression: 'none' | 'tool' | 'gzip'
  readonly encryption: { readonly scheme: 'age'; readonly recipients: readonly string[]; readonly passphrase: boolean } | undefined
}

/** What a database looked like when it was dumped, in the dump's own snapshot. */
export interface ManifestFacts {
  readonly encoding: string | undefined
  readonly extensions: readonly string[]
  readonly roles: readonly string[]
  readonly databaseBytes: number
  /** Log position of the snapshot. */
  readonly position: string | undefined
  /** Rows and hashes; undefined when they were not taken. */
  readonly tables: readonly DumpedTable[] | undefined
  readonly sequences: Readonly<Record<string, string>> | undefined
  readonly migration: Readonly<Record<string, string>> | undefined
  /** Why there are no globals; undefined when there are. */
  readonly globalsAbsent: string | undefined
}

/** The commit marker of a backup: written last. Without it there is no backup. */
export interface Manifest extends ManifestEncoding, ManifestFacts {
  readonly schemaVersion: 1
  readonly id: string
  readonly kind: 'full' | 'base'
  readonly engine: string
  readonly database: string
  readonly cluster: string
  readonly serverVersion: string
  readonly serverVersionNumber: number
  readonly tool: { readonly name: string; readonly version: string }
  readonly selection: DumpSelection
  readonly objects: readonly ManifestObject[]
  /** ISO 8601, UTC. */
  readonly startedAt: string
  readonly finishedAt: string
  readonly durationMs: number
  readonly host: string
  readonly pinnedUntil: string | undefined
  readonly tags: Readonly<Record<string, string>>
}

/** Whether a manifest is what its writer wrote: proven by a key, or at least unharmed. */
export type Authenticity = 'signed' | 'unsigned'

/** Text of a manifest as it is stored. */
export function manifestText(manifest: Manifest, key: SigningKey | undefined): string {
  return signedText(manifest, key)
}

/**
 * Reads a stored manifest.
 *
 * @throws {@link BackupError} `corrupt` when it was changed, or carries no signature although a signing key is set
 */
export function parseManifest(text: string, key: SigningKey | undefined, where: string): { manifest: Manifest; authenticity: Authenticity } {
  const { value, authenticity } = checkedText(text, key, where)
  const manifest = value as unknown as Manifest
  const whole = manifest.schemaVersion === 1 && typeof manifest.id === 'string' && Array.isArray(manifest.objects)
    && manifest.objects.every((object: ManifestObject) => /^[A-Za-z0-9._/-]+$/.test(object.key) && !object.key.includes('..'))
  if (!whole) throw new BackupError('corrupt', `${where} is not a manifest this version can read`, { hint: 'it may have been written by a later version' })
  return { manifest, authenticity }
}
