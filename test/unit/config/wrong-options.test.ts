import { describe, expect, it } from 'vitest'
import { UnknownEngineError } from '../../../src/core/errors.js'
import { configErrorOf, errorOf, resolve } from './schemes.js'

const url = 'postgres://app:Pa55phrase@db1/shop'
const wrong = (options: object): object => ({ primary: url, ...options })
const ms = 'a whole number of milliseconds from 0 to 2147483647'

type Case = readonly [what: string, options: object | string | number, message: string, hint?: string | RegExp]

/** Options, the message they get, and (where there is one) the way to mend them. */
const CASES: readonly Case[] = [
  ['a misspelt option', wrong({ pooll: {} }), 'pooll: expected a known option, got an unknown name', "did you mean 'pool'?"],
  ['a misspelt option inside a section', wrong({ pool: { maxx: 5 } }), 'pool.maxx: expected a known option, got an unknown name', "did you mean 'max'?"],
  ['another library\'s name', { connectionString: url }, 'connectionString: expected a known option, got an unknown name', 'write primary'],
  ['a server\'s field at the top', { host: 'db1' }, 'host: expected a known option, got an unknown name', 'write primary: { host }'],
  ['a name nothing is like', wrong({ retry: { zzzzzzz: 1 } }), 'retry.zzzzzzz: expected a known option, got an unknown name',
    'known here: backoff, baseDelayMs, budget, maxAttempts, maxDelayMs, perTryTimeoutMs, reads, timeoutMs, transactions'],
  ['a number in quotes', wrong({ pool: { max: '10' } }), "pool.max: expected a whole number of at least 1, got the text '10'", 'write 10, without quotes'],
  ['a duration where milliseconds are meant', wrong({ pool: { idleTimeoutMs: '5m' } }),
    `pool.idleTimeoutMs: expected ${ms}, got the text '5m'`, /write 300000: idleTimeoutMs is in milliseconds/],
  ['NaN', wrong({ pool: { max: Number.NaN } }), 'pool.max: expected a whole number of at least 1, got NaN'],
  ['an infinite limit', wrong({ statementTimeoutMs: Infinity }), `statementTimeoutMs: expected ${ms}, got Infinity`, 'write 0 to switch the limit off'],
  ['a negative time', wrong({ connectTimeoutMs: -1 }), `connectTimeoutMs: expected ${ms}, got -1`],
  ['a timer longer than the runtime has', wrong({ failoverTimeoutMs: 2 ** 31 }), `failoverTimeoutMs: expected ${ms}, got 2147483648`],
  ['half a connection', wrong({ pool: { min: 0.5 } }), 'pool.min: expected a whole number of at least 0, got 0.5'],
  ['a pool of none', wrong({ pool: { max: 0 } }), 'pool.max: expected a whole number of at least 1, got 0'],
  ['min above max', wrong({ pool: { min: 5, max: 3 } }), 'pool.min: expected at most pool.max (3), got 5', 'raise pool.max or lower pool.min'],
  ['min above the default max', wrong({ pool: { min: 11 } }), 'pool.min: expected at most pool.max (10), got 11'],
  ['maxIdle above max', wrong({ pool: { max: 3, maxIdle: 4 } }), 'pool.maxIdle: expected at most pool.max (3), got 4'],
  ['min above maxIdle', wrong({ pool: { min: 3, maxIdle: 2 } }), 'pool.min: expected at most pool.maxIdle (2), got 3'],
  ['more jitter than lifetime', wrong({ pool: { maxLifetimeMs: 10, maxLifetimeJitterMs: 20 } }),
    'pool.maxLifetimeJitterMs: expected at most pool.maxLifetimeMs (10), got 20'],
  ['an unknown validation', wrong({ pool: { validation: 'alway' } }),
    "pool.validation: expected one of 'idle', 'always', 'never', got the text 'alway'", "did you mean 'always'?"],
  ['a pool that is a number', wrong({ pool: 10 }), 'pool: expected an object, got 10'],
  ['an unknown strategy', wrong({ routing: { strategy: 'round_robin' } }),
    "routing.strategy: expected one of 'round-robin', 'least-connections', 'weighted', 'fastest-response', 'random', or a function, got the text 'round_robin'",
    "did you mean 'round-robin'?"],
  ['a share above one', wrong({ routing: { fallbackToPrimary: { maxShare: 1.5 } } }), 'routing.fallbackToPrimary.maxShare: expected a number from 0 to 1, got 1.5'],
  ['a fallback that is a word', wrong({ routing: { fallbackToPrimary: 'yes' } }), 'routing.fallbackToPrimary: expected true, false or an object, got the text \'yes\''],
  ['functions that are one text', wrong({ routing: { readOnlyFunctions: 'f' } }), "routing.readOnlyFunctions: expected a list of texts, got the text 'f'"],
  ['a function name that is a number', wrong({ routing: { writeFunctions: ['f', 1] } }), 'routing.writeFunctions.1: expected a text, got 1', 'write it in quotes'],
  ['an unknown consistency', wrong({ consistency: { causalReads: 'sesion' } }),
    "consistency.causalReads: expected one of 'off', 'session', 'global', got the text 'sesion'", "did you mean 'session'?"],
  ['no interval between probes', wrong({ health: { intervalMs: 0 } }),
    'health.intervalMs: expected a whole number of milliseconds from 1 to 2147483647, got 0'],
  ['retry delays the wrong way round', wrong({ retry: { baseDelayMs: 2000 } }), 'retry.baseDelayMs: expected at most retry.maxDelayMs (1000), got 2000'],
  ['retries without end', wrong({ retry: { reads: 1000 } }), 'retry.reads: expected a whole number from 0 to 100, got 1000'],
  ['a flag in quotes', wrong({ readOnly: 'true' }), "readOnly: expected true or false, got the text 'true'", 'write true, without quotes'],
  ['a flag that is a number', wrong({ echo: 1 }), 'echo: expected true or false, got 1'],
  ['an unknown log level', wrong({ queryLogLevel: 'trace' }), "queryLogLevel: expected one of 'debug', 'info', 'warn', 'silent', got the text 'trace'"],
  ['a logger without its methods', wrong({ logger: { info: () => undefined } }),
    'logger: expected a logger with the methods debug, info, warn and error, got an object'],
  ['observers that are one', wrong({ observers: {} }), 'observers: expected a list of observers, got an object'],
  ['an observer that is a function', wrong({ observers: [() => undefined] }), 'observers.0: expected an object with observer methods, got a function'],
  ['an alert callback that is none', wrong({ alerts: { onAlert: 'mail' } }), "alerts.onAlert: expected a function, got the text 'mail'"],
  ['an unknown big-number type', wrong({ types: { bigint: 'BigInt' } }),
    "types.bigint: expected one of 'string', 'bigint', 'number', got the text 'BigInt'", "did you mean 'bigint'?"],
  ['a migration source without a folder', wrong({ migrations: { sources: [{ service: 'auth' }] } }), 'migrations.sources.0.dir: expected a text, got undefined'],
  ['encryption without a key', wrong({ backup: { encryption: true } }),
    'backup.encryption: expected a key (make one with: age-keygen -o backup-key.txt), got none', /recipients: \['age1…'\]/],
  ['encryption with empty keys', wrong({ backup: { encryption: { recipients: [] } } }),
    'backup.encryption: expected a key (make one with: age-keygen -o backup-key.txt), got none'],
  ['an unknown backup format', wrong({ backup: { format: 'tar' } }), "backup.format: expected one of 'custom', 'directory', 'plain', got the text 'tar'"],
  ['replicas that are one text', wrong({ replicas: 'postgres://db2/shop' }), 'replicas: expected a list of URLs or objects, got a text'],
  ['a replica that is a number', wrong({ replicas: [7] }), 'replicas.0: expected a URL or an object, got a number'],
  ['a replica of another engine', wrong({ replicas: ['mysql://db2/shop'] }),
    "replicas.0: expected a server of the primary's engine (postgres), got mysql", /one database has one engine/],
  ['the same server twice', wrong({ replicas: ['postgres://db2/shop', 'postgres://db2:5432/shop'] }),
    "replicas.1: expected another server than replicas.0, got the same one ('db2:5432')", /`name` option/],
  ['the primary as its own replica', wrong({ replicas: [url] }), "replicas.0: expected another server than primary, got the same one ('db1:5432')"],
  ['one name for two servers', wrong({ replicas: [{ host: 'a', name: 'r' }, { host: 'b', name: 'r' }] }),
    "replicas.1: expected another server than replicas.0, got the same one ('r')"],
  ['a replica without an address', wrong({ replicas: [{ weight: 2 }] }), 'replicas.0: expected the address of a server, got none', 'give replicas.0.host'],
  ['a replica of no weight', wrong({ replicas: [{ host: 'a', weight: 0 }] }), 'replicas.0.weight: expected a number above 0, got 0'],
  ['a misspelt field of a replica', wrong({ replicas: [{ hots: 'a' }] }), 'replicas.0.hots: expected a known option, got an unknown name', "did you mean 'host'?"],
  ['an empty URL', '', 'primary: expected a URL or an object, got an empty text'],
  ['a port out of range', { primary: { host: 'db1', port: 70_000 } }, 'primary.port: expected a whole number from 1 to 65535, got 70000'],
  ['a port inside the host', { primary: { host: 'db1:5433' } }, 'primary.host: expected a host name without a port, got one with a port', 'give the port as primary.port'],
  ['a URL as the host', { primary: { host: url } }, 'primary.host: expected a host name, got a URL', "write primary: '<the URL>'"],
  ['several hosts as the host', { primary: { host: 'a,b' } }, 'primary.host: expected one host, got several', 'give several as primary.hosts'],
  ['a host with a space', { primary: { host: 'db 1' } }, 'primary.host: expected a host name, an address or a socket folder, got a text with a character no host has'],
  ['a URL and a host', { primary: { url, host: 'db2' } }, 'primary.host: expected nothing beside primary.url, got a value', 'either url, or host'],
  ['hosts and a port', { primary: { hosts: ['a'], port: 1 } }, 'primary.port: expected nothing beside primary.hosts, got a value'],
  ['a password that is a number', { primary: { host: 'db1', password: 123_456 } }, 'primary.password: expected a text or a function, got a number'],
  ['an unknown TLS mode', { primary: { host: 'db1', ssl: 'no-verify' } },
    "primary.ssl: expected true, false, an object, or one of 'disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full', got the text 'no-verify'"],
  ['node-postgres\' TLS option', { primary: { host: 'db1', ssl: { rejectUnauthorized: false } } },
    'primary.ssl.rejectUnauthorized: expected a known option, got an unknown name', /mode: 'require'/],
  ['a certificate without its key', { primary: { host: 'db1', ssl: { cert: '-----BEGIN CERTIFICATE-----' } } },
    'primary: expected a client certificate with its key, got a certificate alone'],
  ['a root certificate that is not there', { primary: { host: 'db1', ssl: { ca: '/nowhere/ca.pem' } } },
    'primary: the root certificate (sslrootcert, ssl.ca) is neither PEM text nor a file that can be read (ENOENT)'],
  ['a target attribute of another system', { primary: { hosts: ['a', 'b'], targetSessionAttrs: 'writable' } },
    "primary.targetSessionAttrs: expected one of 'any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby', got the text 'writable'"],
  ['an embedded database with a host', { primary: { engine: 'sqlite', host: 'db1', database: 'app.db' } },
    'primary: expected a file, because sqlite runs inside this process, got a host', 'give database: <the file>'],
  ['options that are a number', 5, 'options: expected an object, got 5'],
  ['options that are a list', [url], 'options: expected an object, got a list of 1'],
  ['a file of several databases', { databases: {} }, 'databases: expected a known option, got an unknown name', /several databases/],
]

describe('wrong options', () => {
  it.each(CASES.map(([what, options, message, hint]) => ({ what, options, message, hint })))('$what is refused with option, expected and got', ({ options, message, hint }) => {
    const error = configErrorOf(options)
    expect(error.message).toBe(message)
    expect(message.startsWith(`${error.option ?? ''}:`)).toBe(true)
    if (hint instanceof RegExp) expect(error.hint).toMatch(hint)
    else if (hint !== undefined) expect(error.hint).toBe(hint)
    expect(JSON.stringify(error) + error.message).not.toContain('Pa55phrase')
  })

  it('are reported all at once, each with the way to mend it', () => {
    const error = configErrorOf({ primary: url, pool: { mx: 1, min: '10' }, echo: 'false' })
    expect(error.message.split('\n')).toEqual([
      '3 options are wrong:',
      "  pool.min: expected a whole number of at least 0, got the text '10'; write 10, without quotes",
      "  pool.mx: expected a known option, got an unknown name; did you mean 'max'?",
      "  echo: expected true or false, got the text 'false'; write false, without quotes",
    ])
    expect(error.code).toBe('SLUICE_CONFIG')
    expect(error.neverSent).toBe(true)
  })

  it('of an unknown engine list the known ones', () => {
    for (const input of ['oracle://db/x', { primary: { engine: 'oracle', host: 'db' } }]) {
      const error = errorOf(() => resolve(input))
      expect(error).toBeInstanceOf(UnknownEngineError)
      expect(error.message).toBe("unknown engine 'oracle:'; known: postgres: postgresql: mysql: mariadb: sqlite: file: pglite:")
    }
  })

  it('with a key pasted where a file is expected do not repeat it', () => {
    const error = configErrorOf({ primary: { host: 'db1', ssl: { cert: '-----BEGIN CERTIFICATE-----', key: 'MIIEvQIBADANBgkq' } } })
    expect(error.message).toMatch(/client key .* is neither PEM text nor a file/)
    expect(error.message + String(error.cause)).not.toContain('MIIEvQ')
  })
})
