import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TestClusterError } from './errors.js'
import type { ClusterTls } from './options.js'
import { runProgram, type Account } from './process.js'
import { writeServerFile } from './server-files.js'

/** Certificates as files, and the settings that make a server use them. */
export interface InstalledTls {
  readonly settings: Readonly<Record<string, string>>
  /** What a client must trust. */
  readonly ca: string
}

/**
 * Writes the certificates into `folder`, for `true` {@link selfSigned} ones.
 *
 * @throws TestClusterError when one has to be made and `openssl` is missing
 */
export async function installTls(tls: ClusterTls | true, folder: string, account: Account | undefined): Promise<InstalledTls> {
  const { cert, key, ca } = tls === true ? await selfSigned() : tls
  const path = (name: string): string => join(folder, name)
  await writeServerFile(path('server.crt'), cert, account)
  await writeServerFile(path('server.key'), key, account)
  const settings: Record<string, string> = { ssl: 'on', ssl_cert_file: path('server.crt'), ssl_key_file: path('server.key') }
  if (ca !== undefined) {
    await writeServerFile(path('ca.crt'), ca, account)
    settings['ssl_ca_file'] = path('ca.crt')
  }
  return { settings, ca: ca ?? cert }
}

/**
 * A certificate for localhost and 127.0.0.1, valid 30 days.
 *
 * @throws TestClusterError when `openssl` is missing
 */
export async function selfSigned(): Promise<ClusterTls> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-certificate-'))
  try {
    return await madeIn(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function madeIn(folder: string): Promise<ClusterTls> {
  const [key, cert] = [join(folder, 'made.key'), join(folder, 'made.crt')]
  await runProgram('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30',
    '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', key, '-out', cert,
  ]).catch((cause: unknown) => {
    throw new TestClusterError('tls: true needs the program openssl to make a certificate', {
      cause, hint: 'install openssl, or pass tls: { cert, key, ca } as PEM text',
    })
  })
  return { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') }
}
