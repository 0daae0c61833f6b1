import { createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { bech32, fromBech32 } from './bech32.js'

const PUBLIC_PREFIX = Buffer.from('302a300506032b656e032100', 'hex')
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex')

/** A public key of age: who has the private one can read. */
export interface Recipient {
  /** `age1…`. */
  readonly text: string
  readonly raw: Buffer
}

/** A private key of age. */
export interface Identity {
  readonly key: KeyObject
  readonly recipient: Recipient
}

/**
 * Reads `age1…`.
 *
 * @throws {@link ConfigError} it is none
 */
export function parseRecipient(text: string, option = 'encryption.recipients'): Recipient {
  return { text: text.trim().toLowerCase(), raw: fromBech32('age', text.trim(), option) }
}

/**
 * Reads `AGE-SECRET-KEY-1…`.
 *
 * @throws {@link ConfigError} it is none; the text is not shown
 */
export function parseIdentity(text: string, option = 'encryption.identities'): Identity {
  const raw = fromBech32('age-secret-key-', text.trim(), option)
  const key = createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, raw]), format: 'der', type: 'pkcs8' })
  const publicRaw = rawPublic(createPublicKey(key))
  return { key, recipient: { raw: publicRaw, text: bech32('age', publicRaw) } }
}

function rawPublic(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' }).subarray(-32)
}

/** A key pair for one file. */
export function ephemeral(): { readonly key: KeyObject; readonly raw: Buffer } {
  const { privateKey, publicKey } = generateKeyPairSync('x25519')
  return { key: privateKey, raw: rawPublic(publicKey) }
}

/** X25519 of our private and their public key. Throws for a key that would make the secret known to everyone. */
export function sharedSecret(own: KeyObject, theirs: Buffer): Buffer {
  const publicKey = createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, theirs]), format: 'der', type: 'spki' })
  return diffieHellman({ privateKey: own, publicKey })
}
