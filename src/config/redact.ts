/** What stands where a secret stood. */
const MASK = '***'

const SECRET_WORD = 'pass(?:word|wd|phrase|_phrase)?|pwd|sslpassword|secret|token|api_?key'
const SECRET_KEY = /pass(?!ive|file)|pwd|secret|token|credential|api_?key|encryption_?key|private_?key|signing_?key|identit|^key$/i
const URL_START = /(?=\b[a-z][a-z0-9+.-]*:\/\/)/i
// Greedy to the last '@': a password with an unescaped '@' or '/' is masked whole, at worst with a little more.
const USER_INFO = /^([a-z][a-z0-9+.-]*:\/\/[^\s:/?#@]*):[^]*@/i
const ASSIGNMENT = new RegExp(String.raw`\b(\w*(?:${SECRET_WORD}))(\s*=\s*)('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^&\s]*)`, 'gi')
const PRIVATE_PEM = /-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g
const AGE_IDENTITY = /AGE-SECRET-KEY-1[0-9A-Z]+/gi

/**
 * The text with passwords masked wherever one can stand: a URL's user part, `password=…` in a query or a connection
 * string, PEM and age private keys. Several URLs in one text are fine.
 *
 * @example redactUrl('postgres://app:secret@db1/shop') // 'postgres://app:***@db1/shop'
 */
export function redactUrl(text: string): string {
  return text
    .replace(PRIVATE_PEM, MASK)
    .replace(AGE_IDENTITY, MASK)
    .split(URL_START)
    .map((part) => part.replace(USER_INFO, `$1:${MASK}@`))
    .join('')
    .replace(ASSIGNMENT, `$1$2${MASK}`)
}

/** Whether a value under this name must never be shown: `password`, `clientSecret`, `auth_token`, `key`, … */
export function isSecretName(name: string): boolean {
  return SECRET_KEY.test(name)
}

/**
 * A copy fit for messages and logs: values under secret names are masked, texts go through {@link redactUrl},
 * functions become `[function]`. Cycles and depths beyond 8 are cut.
 */
export function redact(value: unknown): unknown {
  return redacted(value, [])
}

function redacted(value: unknown, parents: readonly object[]): unknown {
  if (typeof value === 'string') return redactUrl(value)
  if (typeof value === 'function') return '[function]'
  if (typeof value !== 'object' || value === null) return value
  if (parents.includes(value) || parents.length > 8) return '[…]'
  const inside = [...parents, value]
  if (Array.isArray(value)) return value.map((item) => redacted(item, inside))
  if (value instanceof Date) return value
  const entries = Object.entries(value).map(([name, item]) =>
    [name, isSecretName(name) && item !== undefined && item !== null ? MASK : redacted(item, inside)] as const)
  return Object.fromEntries(entries)
}
