import { oneProblem } from '../config/problem.js'
import type { Positions } from '../core/dialect.js'

/** What a causal token says. */
export interface TokenContent {
  /** Identity of the cluster the position belongs to; undefined where the engine has none, or it is not known yet. */
  readonly systemId: string | undefined
  readonly position: string | undefined
  /** Something is to be included whose position is not known. */
  readonly doubtful: boolean
}

const VERSION = 'sl1'

/**
 * A token: a version, the content in base64url, and a check sum that tells a damaged one from a good one. It is not a
 * signature: who may hand in tokens can make a read go to the primary, and nothing more. Only letters, digits, `-`, `_` and
 * points: it may stand in a cookie, a header, a URL.
 */
export function encodeToken({ systemId = '', position = '', doubtful }: TokenContent): string {
  const body = Buffer.from(`${systemId}\n${position}\n${doubtful ? '?' : ''}`).toString('base64url')
  return `${VERSION}.${body}.${checksum(body)}`
}

/** @throws {@link ConfigError} naming the option, when the text was not made by {@link encodeToken} */
export function decodeToken(token: unknown, option: string, positions: Positions | undefined): TokenContent {
  const content = typeof token === 'string' ? parse(token, positions) : undefined
  if (content) return content
  throw oneProblem(option, 'a token made by db.causalToken()', gotToken(token), 'tokens are opaque: hand them on as they are, or leave the option out')
}

function parse(token: string, positions: Positions | undefined): TokenContent | undefined {
  const [version, body = '', sum, more] = token.split('.')
  if (version !== VERSION || sum !== checksum(body) || more !== undefined) return undefined
  const [systemId, position, doubt, rest] = Buffer.from(body, 'base64url').toString().split('\n')
  if (systemId === undefined || position === undefined || doubt === undefined || rest !== undefined || (doubt !== '' && doubt !== '?')) return undefined
  if (position !== '' && positions?.isPosition(position) === false) return undefined
  return { systemId: systemId === '' ? undefined : systemId, position: position === '' ? undefined : position, doubtful: doubt === '?' }
}

/** Never the text itself: it may come from a stranger. */
function gotToken(token: unknown): string {
  if (typeof token !== 'string') return token === null ? 'null' : typeof token
  if (token === '') return 'an empty text'
  const [version = ''] = token.split('.')
  if (/^sl\d+$/.test(version) && version !== VERSION) return 'a token of another version of this library'
  return version === VERSION ? 'a damaged one' : `a text of ${String(token.length)} characters that is none`
}

/** FNV-1a, 32 bits (Fowler, Noll, Vo; public domain). */
function checksum(text: string): string {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return (hash >>> 0).toString(36)
}
