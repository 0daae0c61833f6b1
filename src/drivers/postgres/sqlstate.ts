import type { ErrorKind } from '../../core/error-facts.js'

/** SQLSTATEs with one meaning (https://www.postgresql.org/docs/current/errcodes-appendix.html). */
const KINDS: Readonly<Record<string, ErrorKind>> = {
  '23505': 'unique', '23503': 'foreign-key', '23001': 'foreign-key', '23502': 'not-null', '23514': 'check', '23P01': 'exclusion',
  '40P01': 'deadlock', '40001': 'serialization', '55P03': 'lock-timeout',
  '57014': 'cancelled', '25P04': 'cancelled',
  '25006': 'read-only', '25P02': 'aborted-transaction',
  '42601': 'syntax', '42501': 'permission',
  '42P01': 'unknown-object', '42703': 'unknown-object', '42883': 'unknown-object', '42704': 'unknown-object',
  '3F000': 'unknown-object', '42P02': 'unknown-object',
  '42P04': 'duplicate-object', '42P06': 'duplicate-object', '42P07': 'duplicate-object', '42710': 'duplicate-object',
  '26000': 'unknown-statement',
  '28000': 'authentication', '28P01': 'authentication', '3D000': 'unknown-database',
  '53300': 'too-many-connections',
  '57P01': 'shutting-down', '57P02': 'shutting-down', '57P04': 'lost', '57P05': 'lost', '25P03': 'lost',
}

/** What a server's error is. Message and routine decide only where one SQLSTATE has several meanings. */
export function kindOfSqlState(code: string, message: string, routine: string | undefined): ErrorKind {
  // no CONNECT privilege: found out while logging in, and waiting does not mend it
  if (code === '42501' && routine === 'CheckMyDatabase') return 'authentication'
  const kind = KINDS[code]
  if (kind !== undefined) return kind
  switch (code) {
    case '57P03': return message.includes('shutting down') ? 'shutting-down' : 'starting'
    case '55000': return message.includes('recovery is in progress') ? 'read-only' : 'other'
    case '0A000': return notSupported(message, routine)
    case 'XX000': return /cannot assign .* during recovery/.test(message) ? 'read-only' : 'other'
    case '08P01': return protocolViolation(message)
  }
  if (code.startsWith('08')) return 'lost'
  return code.startsWith('22') ? 'data' : 'other'
}

/** "feature not supported": a stale plan, or something a standby cannot do. */
function notSupported(message: string, routine: string | undefined): ErrorKind {
  if (routine === 'RevalidateCachedQuery' || message.includes('cached plan must not change result type')) return 'stale-plan'
  return /during recovery|hot standby/.test(message) ? 'read-only' : 'other'
}

/** PgBouncer reports nearly everything of its own as a protocol violation. */
function protocolViolation(message: string): ErrorKind {
  if (message.includes('no more connections allowed')) return 'too-many-connections'
  if (/query_wait_timeout|server conn crashed|server login|server_login_retry|pgbouncer cannot connect/.test(message)) return 'lost'
  return message.includes('no such database') ? 'unknown-database' : 'other'
}
