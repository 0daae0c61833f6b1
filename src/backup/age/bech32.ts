import { ConfigError } from '../../core/errors.js'

const ALPHABET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3] as const

function checksum(values: readonly number[]): number {
  let check = 1
  for (const value of values) {
    const top = check >>> 25
    check = ((check & 0x1ffffff) << 5) ^ value
    GENERATOR.forEach((generator, bit) => { if ((top >>> bit) & 1) check ^= generator })
  }
  return check
}

const expanded = (prefix: string): number[] => {
  const codes = Array.from(prefix, (letter) => letter.charCodeAt(0))
  return [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)]
}

/** Regroups bits: bytes into groups of five, or back. */
function regroup(values: Iterable<number>, from: number, to: number, pad: boolean): number[] | undefined {
  const groups: number[] = []
  let [held, bits] = [0, 0]
  for (const value of values) {
    held = (held << from) | value
    bits += from
    while (bits >= to) {
      bits -= to
      groups.push((held >> bits) & ((1 << to) - 1))
    }
    held &= (1 << bits) - 1
  }
  if (pad) return bits > 0 ? [...groups, (held << (to - bits)) & ((1 << to) - 1)] : groups
  return bits >= from || held !== 0 ? undefined : groups
}

/** Bech32 text of `bytes` (BIP 173, without its limit of 90 characters), in lower case. */
export function bech32(prefix: string, bytes: Uint8Array): string {
  const words = regroup(bytes, 8, 5, true) ?? []
  const check = checksum([...expanded(prefix), ...words, 0, 0, 0, 0, 0, 0]) ^ 1
  const tail = Array.from({ length: 6 }, (_, index) => (check >>> (5 * (5 - index))) & 31)
  return `${prefix}1${[...words, ...tail].map((word) => ALPHABET[word] ?? '').join('')}`
}

/**
 * Bytes of a Bech32 text with that prefix (given in lower case).
 *
 * @throws {@link ConfigError} that does not show the text
 */
export function fromBech32(prefix: string, text: string, option: string): Buffer {
  const wrong = (why: string): ConfigError => new ConfigError(`${option}: expected a key that begins with ${prefix}1, got a text ${why}`, {
    option, hint: 'keys are made by: age-keygen',
  })
  const lower = text.toLowerCase()
  if (lower !== text && text.toUpperCase() !== text) throw wrong('in mixed case')
  if (!lower.startsWith(`${prefix}1`)) throw wrong('that begins otherwise')
  const words = Array.from(lower.slice(prefix.length + 1), (letter) => ALPHABET.indexOf(letter))
  if (words.length < 6 || words.includes(-1)) throw wrong('with letters that no key has')
  if (checksum([...expanded(prefix), ...words]) !== 1) throw wrong('that was mistyped (its checksum is wrong)')
  const bytes = regroup(words.slice(0, -6), 5, 8, false)
  if (bytes?.length !== 32) throw wrong('of another length')
  return Buffer.from(bytes)
}
