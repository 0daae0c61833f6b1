import type { ConnectionTarget, HostPort } from '../core/driver.js'
import { UnknownEngineError } from '../core/errors.js'
import { engineOf, type HostDraft, type KnownScheme, type ServerDraft } from './draft.js'
import type { NodeOptions, TlsOptions } from './options.js'
import { oneProblem } from './problem.js'
import type { ResolvedNode } from './resolved.js'
import { resolveTls } from './tls.js'
import { parseHosts, parseServerUrl } from './url.js'

/** What a node takes from its database. */
export interface NodeDefaults {
  readonly connectTimeoutMs: number
  readonly driverOptions: Readonly<Record<string, unknown>>
}

/** The engine of an object that names none. */
const DEFAULT_ENGINE = 'postgres'

/** A server given as a URL or an (already checked) object, in one form. */
export function draftServer(server: string | NodeOptions, path: string, schemes: readonly KnownScheme[]): ServerDraft {
  if (typeof server === 'string') return parseServerUrl(server, path, schemes)
  const { url, engine, host, port, hosts, ssl, parameters, ...rest } = server
  if (url !== undefined) {
    refuseBeside(path, 'url', { engine, host, port, hosts })
    const draft = parseServerUrl(url, `${path}.url`, schemes)
    return { ...draft, ...withoutUndefined(rest), tls: tlsOptions(ssl) ?? draft.tls, parameters: { ...draft.parameters, ...parameters } }
  }
  if (hosts !== undefined) refuseBeside(path, 'hosts', { host, port })
  return {
    ...rest,
    scheme: engine?.toLowerCase(),
    hosts: hosts === undefined ? oneHost(host, port, path) : hosts.flatMap((text, index) => parseHosts(text, `${path}.hosts.${String(index)}`)),
    tls: tlsOptions(ssl),
    parameters: parameters ?? {},
  }
}

function refuseBeside(path: string, given: string, others: Readonly<Record<string, unknown>>): void {
  const second = Object.keys(others).find((name) => others[name] !== undefined)
  if (second === undefined) return
  throw oneProblem(`${path}.${second}`, `nothing beside ${path}.${given}`, 'a value', `either ${given}, or ${second}`)
}

function oneHost(host: string | undefined, port: number | undefined, path: string): HostDraft[] {
  if (host === undefined) return port === undefined ? [] : [{ host: 'localhost', port }]
  if (host.includes('://')) throw oneProblem(`${path}.host`, 'a host name', 'a URL', `write ${path}: '<the URL>'`)
  if (/^[^:[\]]*:\d*$/.test(host)) throw oneProblem(`${path}.host`, 'a host name without a port', 'one with a port', `give the port as ${path}.port`)
  if (host.includes(',')) throw oneProblem(`${path}.host`, 'one host', 'several', `give several as ${path}.hosts`)
  if (/[\s@?#[\]]/.test(host)) throw oneProblem(`${path}.host`, 'a host name, an address or a socket folder', 'a text with a character no host has')
  return [{ host, port }]
}

function tlsOptions(ssl: NodeOptions['ssl']): TlsOptions | undefined {
  if (ssl === undefined) return undefined
  if (typeof ssl === 'boolean') return { mode: ssl ? 'verify-full' : 'disable' }
  return typeof ssl === 'string' ? { mode: ssl } : { ...ssl, mode: ssl.mode ?? 'verify-full' }
}

/**
 * What a replica leaves out it takes from the primary, so that `replicas: ['postgres://app@db2/shop']` logs in as the
 * primary does. Never an address, and never the password of another user.
 */
export function inherit(draft: ServerDraft, primary: ServerDraft): ServerDraft {
  const user = draft.user ?? primary.user
  return {
    ...primary,
    hosts: [], targetSessionAttrs: undefined, name: undefined, weight: undefined, zone: undefined,
    ...withoutUndefined(draft),
    user,
    // The name to expect in a certificate belongs to one server.
    tls: draft.tls ?? (primary.tls && { ...primary.tls, serverName: undefined }),
    password: draft.password ?? (user === primary.user ? primary.password : undefined),
    parameters: { ...primary.parameters, ...draft.parameters },
    driverOptions: { ...primary.driverOptions, ...draft.driverOptions },
  }
}

/** The scheme a draft runs under, which must be known. */
export function knownScheme(draft: ServerDraft, schemes: readonly KnownScheme[]): KnownScheme {
  const scheme = draft.scheme ?? DEFAULT_ENGINE
  const known = schemes.find((one) => one.scheme === scheme)
  if (known === undefined) throw new UnknownEngineError(scheme, schemes.map((one) => one.scheme))
  return known
}

/** Whether a draft says where the server is, or leaves that to the environment. */
export function hasAddress(draft: ServerDraft): boolean {
  return draft.hosts.length > 0 || draft.database !== undefined
}

/** A complete node; defaults filled in, PEM files read. */
export function completeNode(draft: ServerDraft, path: string, known: KnownScheme, defaults: NodeDefaults): ResolvedNode {
  const target = completeTarget(draft, path, known, defaults)
  return {
    name: draft.name ?? (known.embedded ? `${target.scheme}:${target.database ?? ''}` : addressText(target.hosts)),
    target,
    weight: draft.weight ?? 1,
    zone: draft.zone,
    connectTimeoutMs: draft.connectTimeoutMs ?? defaults.connectTimeoutMs,
  }
}

function completeTarget(draft: ServerDraft, path: string, known: KnownScheme, defaults: NodeDefaults): ConnectionTarget {
  const hosts = known.embedded ? [] : completeHosts(draft, path, known)
  if (known.embedded && draft.hosts.length > 0) {
    throw oneProblem(path, `a file, because ${engineOf(known)} runs inside this process`, 'a host', 'give database: <the file>')
  }
  if (known.embedded && draft.database === undefined) throw oneProblem(`${path}.database`, 'a file, or :memory:', 'none')
  const overSocket = hosts.every((one) => one.host.startsWith('/'))
  return {
    scheme: known.scheme,
    hosts,
    targetSessionAttrs: draft.targetSessionAttrs ?? 'any',
    user: draft.user,
    password: draft.password,
    database: draft.database,
    tls: resolveTls(draft.tls, overSocket, path),
    applicationName: draft.applicationName,
    parameters: draft.parameters,
    driverOptions: { ...defaults.driverOptions, ...draft.driverOptions },
  }
}

function completeHosts(draft: ServerDraft, path: string, known: KnownScheme): HostPort[] {
  const hosts = draft.hosts.length === 0 ? [{ host: 'localhost', port: undefined }] : draft.hosts
  return hosts.map(({ host, port }) => {
    const completed = port ?? known.defaultPort
    if (completed === undefined) throw oneProblem(path, `a port, because ${known.scheme}: has no usual one`, 'none')
    return { host, port: completed }
  })
}

function addressText(hosts: readonly HostPort[]): string {
  return hosts.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${String(port)}`).join(',')
}

function withoutUndefined<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as Partial<T>
}
