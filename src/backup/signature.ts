import { createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { BackupError } from './errors.js'

/** Key that manifests are signed with: who can only write to the bucket cannot forge one. */
export interface SigningKey {
  readonly bytes: Buffer
  /** Refuse manifests without a signature: it was set to have them. */
  readonly required: boolean
}

/** A signing key from a secret text: `signingKey`, else the passphrase, else the first identity. */
export function signingKeyFrom(secret: string, required: boolean): SigningKey {
  return { bytes: Buffer.from(hkdfSync('sha256', secret, '', 'sluice backup manifest v1', 32)), required }
}

/** Fields in the order of their names, at every depth: the same value is always the same text. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  return Object.fromEntries(entries.sort(([a], [b]) => a < b ? -1 : 1).map(([name, item]) => [name, canonical(item)]))
}

/** Against accidents, and, with a key, against forgery. */
interface Seal {
  readonly sha256: string
  readonly hmac: string | undefined
}

function seal(text: string, key: SigningKey | undefined): Seal {
  return {
    sha256: createHash('sha256').update(text).digest('hex'),
    hmac: key && createHmac('sha256', key.bytes).update(text).digest('hex'),
  }
}

/** JSON for people, with a seal over all of it. */
export function signedText(value: object, key: SigningKey | undefined): string {
  const body = canonical(value) as Record<string, unknown>
  return `${JSON.stringify({ ...body, seal: seal(JSON.stringify(body), key) }, null, 2)}\n`
}

/**
 * What {@link signedText} wrote.
 *
 * @throws {@link BackupError} `corrupt`
 */
export function checkedText(text: string, key: SigningKey | undefined, where: string): { value: Record<string, unknown>; authenticity: 'signed' | 'unsigned' } {
  const { seal: found, ...value } = parsed(text, where)
  const { sha256 = '', hmac } = (found ?? {}) as Partial<Seal>
  const expected = seal(JSON.stringify(canonical(value)), key)
  if (!same(expected.sha256, sha256)) throw new BackupError('corrupt', `${where} was changed after it was written`)
  if (key?.required && hmac === undefined) {
    throw new BackupError('corrupt', `${where} is not signed, and backup.signingKey is set`, { hint: 'backups made before the key was set are read without it' })
  }
  if (expected.hmac === undefined || hmac === undefined) return { value, authenticity: 'unsigned' }
  if (!same(expected.hmac, hmac)) throw new BackupError('corrupt', `${where}: its signature does not fit (changed, or signed with another key)`)
  return { value, authenticity: 'signed' }
}

function same(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other))
}

function parsed(text: string, where: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // said below, in the same words
  }
  throw new BackupError('corrupt', `${where} is damaged: it is not JSON`)
}
