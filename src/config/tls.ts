import { readFileSync } from 'node:fs'
import type { TlsSettings } from '../core/driver.js'
import { ConfigError } from '../core/errors.js'
import type { TlsOptions } from './options.js'
import { oneProblem } from './problem.js'

/**
 * TLS settings with libpq's meaning: `prefer` by default, none over unix sockets, `require` with a root certificate
 * checks it (`verify-ca`), `sslrootcert=system` allows nothing weaker than `verify-full`. One difference: `verify-*`
 * without a root certificate trusts the runtime's own list instead of failing. PEM files are read here, once.
 *
 * Source: PostgreSQL manual, "SSL Support" and "Parameter Key Words".
 *
 * @param path - option to name in errors
 */
export function resolveTls(tls: TlsOptions | undefined, overSocket: boolean, path: string): TlsSettings {
  if (overSocket) return { mode: 'disable' }
  const system = tls?.ca === 'system'
  const mode = tls?.mode ?? (system ? 'verify-full' : 'prefer')
  if (system && mode !== 'verify-full') {
    throw oneProblem(`${path} (sslmode)`, "'verify-full' when the root certificates are those of the system", `'${mode}'`,
      'any site can get a certificate the system trusts: only verify-full checks that it is this server')
  }
  if (tls === undefined || mode === 'disable') return { mode }
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    throw oneProblem(path, 'a client certificate with its key', tls.cert === undefined ? 'a key alone' : 'a certificate alone')
  }
  const ca = system ? undefined : readPem(tls.ca, 'root certificate (sslrootcert, ssl.ca)', path)
  return {
    mode: mode === 'require' && ca !== undefined ? 'verify-ca' : mode,
    ca,
    cert: readPem(tls.cert, 'client certificate (sslcert, ssl.cert)', path),
    key: readPem(tls.key, 'client key (sslkey, ssl.key)', path),
    passphrase: tls.passphrase,
    serverName: tls.serverName,
  }
}

function readPem(textOrFile: string | undefined, what: string, path: string): string | undefined {
  if (textOrFile === undefined || textOrFile.includes('-----BEGIN')) return textOrFile
  let text: string
  try {
    text = readFileSync(textOrFile, 'utf8')
  } catch (cause) {
    // Neither the text nor the cause is shown: the text may be a key pasted without its PEM frame.
    const code = (cause as { code?: unknown } | null)?.code
    const reason = typeof code === 'string' ? code : 'unreadable'
    throw new ConfigError(`${path}: the ${what} is neither PEM text nor a file that can be read (${reason})`, {
      option: path, hint: 'give the path of a PEM file the process may read, relative to its working directory',
    })
  }
  if (!text.includes('-----BEGIN')) {
    throw new ConfigError(`${path}: the file of the ${what} holds no PEM text`, { option: path, hint: "expected a line '-----BEGIN …-----'" })
  }
  return text
}
