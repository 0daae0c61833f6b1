import type { BackupSettings } from '../config/resolved.js'
import type { ReadKeys, WriteKeys } from './age/header.js'
import { parseIdentity, parseRecipient } from './age/keys.js'
import { signingKeyFrom, type SigningKey } from './signature.js'

/** Keys of a manager. */
export interface BackupKeys {
  /** undefined = backups are not encrypted. */
  readonly writeKeys: WriteKeys | undefined
  readonly readKeys: ReadKeys
  readonly signing: SigningKey | undefined
}

/** @throws {@link ConfigError} a key is none */
export function keysOf({ encryption, signingKey }: BackupSettings): BackupKeys {
  const identities = (encryption?.identities ?? []).map((text, index) => parseIdentity(text, `backup.encryption.identities.${String(index)}`))
  const given = (encryption?.recipients ?? []).map((text, index) => parseRecipient(text, `backup.encryption.recipients.${String(index)}`))
  // who holds only private keys writes to their public halves
  const recipients = given.length > 0 ? given : identities.map(({ recipient }) => recipient)
  const passphrase = encryption?.passphrase
  const secret = signingKey ?? passphrase ?? encryption?.identities[0]?.trim().toUpperCase()
  return {
    writeKeys: recipients.length > 0 ? { recipients } : passphrase === undefined ? undefined : { passphrase },
    readKeys: { identities, passphrase },
    signing: secret === undefined ? undefined : signingKeyFrom(secret, signingKey !== undefined),
  }
}
