import { randomBytes } from 'node:crypto'
import { Readable, type Transform } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { describe, expect, it } from 'vitest'
import { AgeDecrypt } from '../../../src/backup/age/decrypt.js'
import { AgeEncrypt } from '../../../src/backup/age/encrypt.js'
import type { ReadKeys, WriteKeys } from '../../../src/backup/age/header.js'
import { parseIdentity, parseRecipient } from '../../../src/backup/age/keys.js'

/** Every size at which chunks begin, end, or are empty. */
const SIZES = [0, 1, 100, 65_535, 65_536, 65_537, 131_072, 200_000]

async function through(input: Buffer, stage: Transform, chunk: number): Promise<Buffer> {
  const parts: Buffer[] = []
  for (let at = 0; at < input.length; at += chunk) parts.push(input.subarray(at, at + chunk))
  const [result] = await Promise.all([buffer(stage), pipeline(Readable.from(parts), stage)])
  return result
}

const encrypt = (plain: Buffer, keys: WriteKeys, chunk = 40_000): Promise<Buffer> => through(plain, new AgeEncrypt(keys), chunk)
const decrypt = (sealed: Buffer, keys: ReadKeys, chunk = 40_000): Promise<Buffer> => through(sealed, new AgeDecrypt(keys), chunk)

async function pair() {
  const identity = await generateX25519Identity()
  const recipient = await identityToRecipient(identity)
  return { identity, recipient, write: { recipients: [parseRecipient(recipient)] }, read: { identities: [parseIdentity(identity)], passphrase: undefined } }
}

describe('age encryption', () => {
  it.each(SIZES)('of %i bytes is read by the age-encryption package', async (size) => {
    const { identity, write } = await pair()
    const plain = randomBytes(size)
    const decrypter = new Decrypter()
    decrypter.addIdentity(identity)
    expect(Buffer.from(await decrypter.decrypt(await encrypt(plain, write))).equals(plain)).toBe(true)
  })

  it.each(SIZES)('reads what the age-encryption package wrote of %i bytes, in chunks of any size', async (size) => {
    const { recipient, read } = await pair()
    const plain = randomBytes(size)
    const encrypter = new Encrypter()
    encrypter.addRecipient(recipient)
    const sealed = Buffer.from(await encrypter.encrypt(plain))
    for (const chunk of [1_000, 65_552, 1_000_000]) expect((await decrypt(sealed, read, chunk)).equals(plain)).toBe(true)
  })

  it('works with passphrases, both ways', async () => {
    const plain = randomBytes(70_000)
    const decrypter = new Decrypter()
    decrypter.addPassphrase('correct horse')
    expect(Buffer.from(await decrypter.decrypt(await encrypt(plain, { passphrase: 'correct horse' }))).equals(plain)).toBe(true)
    const encrypter = new Encrypter()
    encrypter.setPassphrase('correct horse')
    encrypter.setScryptWorkFactor(12)
    const sealed = Buffer.from(await encrypter.encrypt(plain))
    expect((await decrypt(sealed, { identities: [], passphrase: 'correct horse' })).equals(plain)).toBe(true)
    await expect(decrypt(sealed, { identities: [], passphrase: 'wrong' })).rejects.toMatchObject({ kind: 'keyMissing' })
  })

  it('opens with any of several keys, and with no other', async () => {
    const [one, two, stranger] = [await pair(), await pair(), await pair()]
    const sealed = await encrypt(Buffer.from('both'), { recipients: [...one.write.recipients, ...two.write.recipients] })
    expect((await decrypt(sealed, one.read)).toString()).toBe('both')
    expect((await decrypt(sealed, two.read)).toString()).toBe('both')
    await expect(decrypt(sealed, stranger.read)).rejects.toMatchObject({ kind: 'keyMissing', hint: expect.stringContaining('AGE-SECRET-KEY-1') as string })
  })

  it('notices every cut and every flipped bit', async () => {
    const { write, read } = await pair()
    const sealed = await encrypt(randomBytes(150_000), write)
    const header = sealed.indexOf('\n--- ')
    for (const end of [10, header, header + 30, header + 60, header + 65_552 + 65, header + 65_552 + 66, 140_000, sealed.length - 1]) {
      await expect(decrypt(sealed.subarray(0, end), read), `cut at ${end}`).rejects.toMatchObject({ kind: 'corrupt' })
    }
    for (const at of [3, 60, header + 10, header + 55, 30_000, 70_000, sealed.length - 1]) {
      const flipped = Buffer.from(sealed)
      flipped[at]! ^= 1
      await expect(decrypt(flipped, read), `flipped at ${at}`).rejects.toMatchObject({ name: 'BackupError' })
    }
    await expect(decrypt(Buffer.concat([sealed, Buffer.from('x')]), read)).rejects.toMatchObject({ kind: 'corrupt' })
  })

  it('lets nothing through that was not proven genuine', async () => {
    const { write, read } = await pair()
    const sealed = await encrypt(randomBytes(200_000), write)
    sealed[sealed.length - 5]! ^= 1
    const stage = new AgeDecrypt(read)
    let bytes = 0
    stage.on('data', (part: Buffer) => { bytes += part.length })
    await expect(pipeline(Readable.from([sealed]), stage)).rejects.toMatchObject({ kind: 'corrupt' })
    expect(bytes).toBe(3 * 65_536)
  })

  it.each([
    ['age1wrong', 'letters that no key has|checksum'], ['nonsense', 'begins otherwise'], ['AGE-SECRET-KEY-1QQQQ', 'begins otherwise'],
  ])('refuses the recipient %s without a crash', (text, why) => {
    expect(() => parseRecipient(text)).toThrow(new RegExp(why))
  })

  it('never shows a private key in an error', async () => {
    const { identity } = await pair()
    const mistyped = identity.replace(/.$/, (letter) => letter === 'Q' ? 'P' : 'Q')
    expect(() => parseIdentity(mistyped)).toThrow(/mistyped/)
    try {
      parseIdentity(mistyped)
    } catch (error) {
      expect(String(error)).not.toContain(mistyped.slice(20, 40))
    }
    expect(parseIdentity(identity.toLowerCase()).recipient.text).toBe(await identityToRecipient(identity))
  })
})
