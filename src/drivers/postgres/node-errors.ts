import type { ErrorKind } from '../../core/error-facts.js'
import { networkErrorKind } from '../../core/network-errors.js'

/** What `pg` says in words only. */
const MESSAGES: readonly (readonly [RegExp, ErrorKind])[] = [
  [/^The server does not support SSL connections/, 'tls'],
  [/^There was an error establishing an SSL connection/, 'lost'],
  [/^timeout expired|^timeout exceeded when trying to connect/, 'connect-timeout'],
  [/^Connection terminated|not queryable$|^Client has already been connected|no longer usable/, 'lost'],
  [/^SASL|^SCRAM|^Password must be a string|^Unknown authentication/, 'authentication'],
  [/^Query read timeout/, 'cancelled'],
]

/** What an error that did not come from the server is. */
export function nodeKind(cause: unknown, code: string | undefined, message: string): ErrorKind {
  return networkErrorKind(cause, code) ?? MESSAGES.find(([pattern]) => pattern.test(message))?.[1] ?? 'other'
}
