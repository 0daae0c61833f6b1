import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, scryptSync, timingSafeEqual } from 'node:crypto'
import { BackupError } from '../errors.js'
import { ephemeral, sharedSecret, type Identity, type Recipient } from './keys.js'

/**
 * The header of an age file: the file's key, wrapped once for each recipient, and a MAC over all of it.
 *
 * Source: C2SP, "The age file encryption format", version 1.
 */
export const VERSION_LINE = 'age-encryption.org/v1'
const X25519_INFO = 'age-encryption.org/v1/X25519'
const SCRYPT_SALT = 'age-encryption.org/v1/scrypt'
/** Scrypt's work: 2^16 takes about 0.2 s; what is read may ask for a little more, never for minutes. */
const SCRYPT_LOG_N = 16
const SCRYPT_MAX_LOG_N = 20
const NONCE = Buffer.alloc(12)
const COLUMNS = 64
export const FILE_KEY_BYTES = 16

/** Keys to write with. A passphrase stands alone. */
export type WriteKeys = { readonly recipients: readonly Recipient[] } | { readonly passphrase: string }

/** Keys to read with. */
export interface ReadKeys {
  readonly identities: readonly Identity[]
  readonly passphrase: string | undefined
}

/** One recipient's part. */
export interface Stanza {
  readonly args: readonly string[]
  readonly body: Buffer
}

const unpadded = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replace(/=+$/, '')

/** Strict: no padding, nothing but the alphabet, unused bits zero. */
function fromUnpadded(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return unpadded(bytes) === text ? bytes : undefined
}

export function derive(secret: Uint8Array, salt: Uint8Array, info: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, salt, info, 32))
}

function seal(key: Buffer, fileKey: Buffer): Buffer {
  const cipher = createCipheriv('chacha20-poly1305', key, NONCE, { authTagLength: 16 })
  return Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()])
}

function unseal(key: Buffer, body: Buffer): Buffer | undefined {
  if (body.length !== FILE_KEY_BYTES + 16) return undefined
  const decipher = createDecipheriv('chacha20-poly1305', key, NONCE, { authTagLength: 16 })
  decipher.setAuthTag(body.subarray(FILE_KEY_BYTES))
  try {
    return Buffer.concat([decipher.update(body.subarray(0, FILE_KEY_BYTES)), decipher.final()])
  } catch {
    return undefined
  }
}

function scryptKey(passphrase: string, salt: Buffer, logN: number): Buffer {
  const N = 2 ** logN
  return scryptSync(passphrase.normalize('NFC'), Buffer.concat([Buffer.from(SCRYPT_SALT), salt]), 32, { N, r: 8, p: 1, maxmem: 256 * N * 8 })
}

function stanzas(keys: WriteKeys, fileKey: Buffer): Stanza[] {
  if ('passphrase' in keys) {
    const salt = randomBytes(16)
    return [{ args: ['scrypt', unpadded(salt), String(SCRYPT_LOG_N)], body: seal(scryptKey(keys.passphrase, salt, SCRYPT_LOG_N), fileKey) }]
  }
  return keys.recipients.map(({ raw }) => {
    const own = ephemeral()
    const key = derive(sharedSecret(own.key, raw), Buffer.concat([own.raw, raw]), X25519_INFO)
    return { args: ['X25519', unpadded(own.raw)], body: seal(key, fileKey) }
  })
}

function stanzaText({ args, body }: Stanza): string {
  const text = unpadded(body)
  const lines: string[] = []
  // the last line is shorter than a full one, if need be empty: that is how its end is known
  for (let at = 0; at <= text.length; at += COLUMNS) lines.push(text.slice(at, at + COLUMNS))
  return `-> ${args.join(' ')}\n${lines.join('\n')}\n`
}

function macOf(fileKey: Buffer, text: string): Buffer {
  return createHmac('sha256', derive(fileKey, Buffer.alloc(0), 'header')).update(text, 'latin1').digest()
}

/** Header bytes that wrap `fileKey` for these keys. */
export function writeHeader(keys: WriteKeys, fileKey: Buffer): Buffer {
  const text = `${VERSION_LINE}\n${stanzas(keys, fileKey).map(stanzaText).join('')}---`
  return Buffer.from(`${text} ${unpadded(macOf(fileKey, text))}\n`, 'latin1')
}

/** A header taken apart. */
export interface Header {
  readonly stanzas: readonly Stanza[]
  /** Everything the MAC is over. */
  readonly text: string
  readonly mac: Buffer
}

const corrupt = (what: string): BackupError => new BackupError('corrupt', `the encrypted file's header is damaged: ${what}`)

/**
 * Takes a header apart.
 *
 * @param text - up to and with the line of the MAC, as Latin-1
 */
export function parseHeader(text: string): Header {
  const lines = text.split('\n')
  if (lines.shift() !== VERSION_LINE) throw new BackupError('corrupt', 'this is not a file of age version 1')
  const found: Stanza[] = []
  for (let line = lines.shift(); line !== undefined; line = lines.shift()) {
    if (line.startsWith('--- ')) {
      const mac = fromUnpadded(line.slice(4))
      if (mac?.length !== 32 || found.length === 0) throw corrupt('its end')
      return { stanzas: found, mac, text: text.slice(0, text.lastIndexOf('\n--- ') + 4) }
    }
    if (!line.startsWith('-> ')) throw corrupt('a line that does not belong there')
    const args = line.slice(3).split(' ')
    if (args.some((arg) => !/^[\x21-\x7e]+$/.test(arg))) throw corrupt('a recipient')
    found.push({ args, body: bodyOf(lines) })
  }
  throw corrupt('it has no end')
}

function bodyOf(lines: string[]): Buffer {
  let text = ''
  for (;;) {
    const line = lines.shift()
    if (line === undefined || line.length > COLUMNS) throw corrupt('a wrapped key')
    text += line
    if (line.length < COLUMNS) break
  }
  const body = fromUnpadded(text)
  if (!body) throw corrupt('a wrapped key')
  return body
}

/**
 * The file's key.
 *
 * @throws {@link BackupError} `keyMissing` when none of the keys opens it, `corrupt` when it was changed
 */
export function openHeader(header: Header, keys: ReadKeys): Buffer {
  const scrypt = header.stanzas.some(({ args }) => args[0] === 'scrypt')
  if (scrypt && header.stanzas.length > 1) throw corrupt('a passphrase beside other keys')
  for (const stanza of header.stanzas) {
    const fileKey = stanza.args[0] === 'scrypt' ? fromScrypt(stanza, keys.passphrase) : fromX25519(stanza, keys.identities)
    if (fileKey === undefined) continue
    if (!timingSafeEqual(macOf(fileKey, header.text), header.mac)) throw corrupt('its checksum')
    return fileKey
  }
  throw new BackupError('keyMissing', scrypt ? 'the passphrase it was encrypted with is needed' : 'none of the private keys given opens it', {
    hint: scrypt ? 'give encryption.passphrase' : 'give encryption.identities: [\'AGE-SECRET-KEY-1…\'], the private half of a key it was encrypted to',
  })
}

function fromX25519({ args, body }: Stanza, identities: readonly Identity[]): Buffer | undefined {
  if (args[0] !== 'X25519') return undefined
  const share = args.length === 2 ? fromUnpadded(args[1] ?? '') : undefined
  if (share?.length !== 32 || body.length !== FILE_KEY_BYTES + 16) throw corrupt('a recipient')
  for (const { key, recipient } of identities) {
    const fileKey = unseal(derive(secretOf(key, share), Buffer.concat([share, recipient.raw]), X25519_INFO), body)
    if (fileKey) return fileKey
  }
  return undefined
}

function secretOf(key: Identity['key'], share: Buffer): Buffer {
  try {
    return sharedSecret(key, share)
  } catch {
    throw corrupt('a recipient')
  }
}

function fromScrypt({ args, body }: Stanza, passphrase: string | undefined): Buffer | undefined {
  const salt = args.length === 3 ? fromUnpadded(args[1] ?? '') : undefined
  if (salt?.length !== 16 || !/^[1-9]\d?$/.test(args[2] ?? '') || body.length !== FILE_KEY_BYTES + 16) throw corrupt('the passphrase\'s part')
  const logN = Number(args[2])
  if (logN > SCRYPT_MAX_LOG_N) throw corrupt('it asks for more work than any file of ours')
  return passphrase === undefined ? undefined : unseal(scryptKey(passphrase, salt, logN), body)
}
