/** A password, or a function asked anew for every connection (rotation, IAM tokens). */
export type PasswordSource = string | (() => string | Promise<string>)

/** libpq's `sslmode` vocabulary, with libpq's meaning, on every engine. */
export type SslMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full'

/** TLS settings of one server. `ca`, `cert` and `key` are PEM text. */
export interface TlsSettings {
  readonly mode: SslMode
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  /** Unlocks an encrypted `key`. */
  readonly passphrase?: string | undefined
  /** Name to check the certificate against when it is not the host connected to. */
  readonly serverName?: string | undefined
}

/** One address of a server. */
export interface HostPort {
  readonly host: string
  readonly port: number
}

/** libpq's `target_session_attrs`: which of several hosts is wanted. */
export type TargetSessionAttrs = 'any' | 'read-write' | 'read-only' | 'primary' | 'standby' | 'prefer-standby'

/** Where a server is and how to log in: the parsed form of a URL or of an options object. */
export interface ConnectionTarget {
  /** URL scheme that selected the driver, without the colon: `postgres`, `mysql`, `sqlite`, … */
  readonly scheme: string
  /** Addresses tried in order; empty for embedded engines. A unix socket's folder is a host beginning with `/`. */
  readonly hosts: readonly HostPort[]
  readonly targetSessionAttrs: TargetSessionAttrs
  readonly user?: string | undefined
  readonly password?: PasswordSource | undefined
  /** Database name, or the file of an embedded engine. */
  readonly database?: string | undefined
  readonly tls: TlsSettings
  readonly applicationName?: string | undefined
  /** URL parameters no one else took; the driver refuses what it does not know. */
  readonly parameters: Readonly<Record<string, string>>
  /** Handed to the npm client as they are. */
  readonly driverOptions: Readonly<Record<string, unknown>>
}
