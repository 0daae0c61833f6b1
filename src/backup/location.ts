import { fileURLToPath } from 'node:url'
import { ConfigError } from '../core/errors.js'

/** A bucket, as a location names it. */
export interface S3Place {
  readonly bucket: string
  /** Empty, or ends with `/`. */
  readonly prefix: string
  /** undefined: whatever the environment says. */
  readonly region: string | undefined
  /** undefined: Amazon's own. */
  readonly endpoint: string | undefined
  /** The bucket is named in the path, not in the host. */
  readonly pathStyle: boolean
  /** false: no CRC32 is sent, for endpoints that do not know it. */
  readonly checksums: boolean
}

/** Where a location leads: a folder, or a bucket. */
export type Place = { readonly folder: string } | { readonly s3: S3Place }

const OPTION = 'backup.location'
const PARAMETERS = ['region', 'endpoint', 'pathStyle', 'checksums']

/**
 * The place a location names: `file:./backups`, a plain path, or `s3://bucket/prefix`.
 *
 * @throws {@link ConfigError} another scheme, an unknown parameter, or credentials in it
 */
export function placeOf(location: string): Place {
  if (location.startsWith('s3:')) return { s3: bucketOf(location) }
  if (location.startsWith('file://')) return { folder: fileURLToPath(location) }
  if (location.startsWith('file:')) return { folder: location.slice('file:'.length) || '.' }
  if (!/^[a-z][a-z0-9+.-]+:/i.test(location)) return { folder: location }
  throw new ConfigError(`${OPTION}: expected file:<folder> or s3://<bucket>/<prefix>, got the scheme '${location.slice(0, location.indexOf(':'))}:'`, {
    option: OPTION, hint: 'other places need a store of your own: new BackupManager(db, { store })',
  })
}

function bucketOf(location: string): S3Place {
  const url = URL.canParse(location) ? new URL(location) : undefined
  if (!url || !/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(url.host)) {
    throw wrong('expected s3://<bucket>/<prefix>, and a bucket of 3 to 63 small letters, digits, dots and hyphens')
  }
  refuseLogin(url)
  for (const name of url.searchParams.keys()) {
    if (!PARAMETERS.includes(name)) throw wrong(`knows no parameter '${name}'; expected ${PARAMETERS.join(', ')}`)
  }
  const prefix = decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, '')
  if (!/^[A-Za-z0-9._/-]*$/.test(prefix)) throw wrong('expected a prefix of letters, digits and ._-/')
  const endpoint = endpointOf(url.searchParams.get('endpoint'))
  return {
    bucket: url.host, prefix: prefix && `${prefix}/`, region: url.searchParams.get('region') ?? undefined, endpoint,
    pathStyle: flag(url, 'pathStyle', endpoint !== undefined), checksums: flag(url, 'checksums', true),
  }
}

function endpointOf(text: string | null): string | undefined {
  if (text === null) return undefined
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol)) throw wrong('endpoint: expected an address with http:// or https://')
  refuseLogin(url)
  if (url.search || url.hash) throw wrong('endpoint: expected an address without ? and #')
  return url.href
}

function flag(url: URL, name: string, otherwise: boolean): boolean {
  const text = url.searchParams.get(name)
  if (text !== null && text !== 'true' && text !== 'false') throw wrong(`${name}: expected true or false`)
  return text === null ? otherwise : text === 'true'
}

function refuseLogin(url: URL): void {
  if (url.username || url.password) throw wrong('holds credentials; leave them to the environment (AWS_ACCESS_KEY_ID, a profile, the role of the machine)')
}

/** Never says what came: it may be a secret in a wrong place. */
const wrong = (what: string): ConfigError => new ConfigError(`${OPTION}: ${what}`, { option: OPTION, hint: 'see docs/guides/backups.md' })
