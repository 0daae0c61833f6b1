import type { SslMode, TlsSettings } from '../../core/driver.js'
import type { DumpCall, DumpTools, LoginTarget, ProgramLogin, RestoreCall, TableName } from '../../core/dump.js'
import { postgresDialect } from './dialect.js'
import { postgresDatabases } from './dump-databases.js'
import { postgresSnapshot } from './dump-snapshot.js'

const major = (version: number): number => Math.floor(version / 10_000)

/** First version of each line whose psql knows `\restrict` (CVE-2025-8714). */
const RESTRICT_SINCE: Readonly<Record<number, number>> = { 13: 22, 14: 19, 15: 14, 16: 10, 17: 6 }

/**
 * pg_dump and its family. A server may be dumped by tools of its own major version or a later one.
 *
 * Source: PostgreSQL documentation, "pg_dump", "pg_restore", "libpq environment variables".
 */
export const postgresDump: DumpTools = {
  formats: ['custom', 'directory', 'plain'],
  programs: {
    dump: ['pg_dump'], restore: ['pg_restore'], script: ['psql'], globals: ['pg_dumpall'], base: ['pg_basebackup'], waldump: ['pg_waldump'],
  },
  homes: [
    { parent: '/usr/lib/postgresql', prefix: '' },
    { parent: '/usr', prefix: 'pgsql-' },
    { parent: '/opt/homebrew/opt', prefix: 'postgresql@' },
    { parent: '/opt/homebrew/opt', prefix: 'libpq' },
    { parent: '/usr/local/opt', prefix: 'postgresql@' },
    { parent: '/Applications/Postgres.app/Contents/Versions', prefix: '' },
  ],
  versionOf: (said) => {
    const [, first, second] = /\(PostgreSQL\) (\d+)(?:\.(\d+))?/.exec(said) ?? []
    return first === undefined ? undefined : Number(first) * 10_000 + Number(second ?? 0)
  },
  suits: (tool, server) => major(tool) >= major(server),
  shownVersion: (version) => String(major(version)),
  packageFor: (version) => `postgresql-client-${String(major(version))}`,
  login,
  dump: dumpArguments,
  restore: restoreArguments,
  script: ({ database, tolerant }) => [
    '--no-psqlrc', '--quiet', '--no-password', '--output=/dev/null', ...tolerant ? [] : ['--set=ON_ERROR_STOP=1', '--single-transaction'], '--dbname', conninfo(database),
  ],
  globals: ({ withPasswords }) => ['--globals-only', '--no-password', ...withPasswords ? [] : ['--no-role-passwords'], '--database=postgres'],
  schemaScript: {
    args: ['--no-owner', '--rows-per-insert=100'],
    foreign: /^\\(un)?restrict .*$/gm,
    // the comment that comes with an extension may be set by its owner only
    noise: /^(set (?!local\b)|select pg_catalog\.set_config\('search_path'|comment on extension )/i,
    // a dump fills them when it restores rows; until then nobody can read from them
    rewrites: [[/^(create materialized view [^]*?)\s+with no data$/i, '$1']],
    // functions may speak of what comes after them
    before: ['set local check_function_bodies = false'],
    beyond: /^(alter .* owner to |reassign owned |alter (database|system) |(create|alter|drop) (role|user|group|tablespace|database)( |$))/,
  },
  trailer: /^-- PostgreSQL database dump complete$/m,
  guard: (tool, token) => (tool % 10_000) >= (RESTRICT_SINCE[major(tool)] ?? (major(tool) >= 18 ? 0 : Infinity))
    ? { before: `\\restrict ${token}\n`, after: `\n\\unrestrict ${token}\n` } : undefined,
  snapshot: postgresSnapshot,
  databases: postgresDatabases,
}

/** `dbname='…'`: a plain name would be read as a connection string when it holds `=` or begins like a URL. */
function conninfo(database: string): string {
  return `dbname='${database.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

const pattern = ({ schema, name }: TableName): string =>
  `${postgresDialect.quoteIdentifier(schema)}.${postgresDialect.quoteIdentifier(name)}`

function dumpArguments(call: DumpCall): string[] {
  const { selection } = call
  return [
    `--format=${call.format}`, '--no-password', '--lock-wait-timeout=60000', '--dbname', conninfo(call.database),
    ...call.format === 'plain' ? [] : [`--compress=${call.compression ? '6' : '0'}`],
    ...call.folder === undefined ? [] : [`--file=${call.folder}`, `--jobs=${String(call.jobs)}`],
    ...call.snapshot === undefined ? [] : [`--snapshot=${call.snapshot}`],
    ...selection.schemaOnly ? ['--schema-only'] : [],
    ...selection.dataOnly ? ['--data-only'] : [],
    ...(selection.tables ?? []).map((table) => `--table=${pattern(table)}`),
    ...selection.excludeTables.map((table) => `--exclude-table=${pattern(table)}`),
  ]
}

function restoreArguments(call: RestoreCall): string[] {
  const parallel = call.format === 'directory' && call.jobs > 1 && call.database !== undefined
  return [
    `--format=${call.format}`, '--no-password', '--exit-on-error',
    ...call.database === undefined ? ['--file=/dev/null'] : ['--dbname', conninfo(call.database)],
    ...call.database === undefined ? [] : parallel ? [`--jobs=${String(call.jobs)}`] : ['--single-transaction'],
    ...call.noOwner ? ['--no-owner'] : [],
    ...call.noPrivileges ? ['--no-privileges'] : [],
    ...call.folder === undefined ? [] : [call.folder],
  ]
}

const VERIFYING: ReadonlySet<SslMode> = new Set<SslMode>(['verify-ca', 'verify-full'])

function login({ target, address, password, database, trusted, folder }: LoginTarget): ProgramLogin {
  const hosts = address === undefined ? target.hosts : [address]
  const tls = tlsLogin(target.tls, trusted, folder)
  return {
    args: [],
    files: tls.files,
    env: {
      PGHOST: hosts.map(({ host }) => host).join(','),
      PGPORT: hosts.map(({ port }) => String(port)).join(','),
      PGDATABASE: database,
      PGAPPNAME: 'sluice backup',
      PGCONNECT_TIMEOUT: '10',
      PGCLIENTENCODING: 'UTF8',
      // neither the user's own password file nor service file decides where a backup comes from
      PGPASSFILE: '/dev/null',
      ...target.user === undefined ? {} : { PGUSER: target.user },
      ...password === undefined ? {} : { PGPASSWORD: password },
      ...hosts.length > 1 ? { PGTARGETSESSIONATTRS: target.targetSessionAttrs } : {},
      ...target.parameters['options'] === undefined ? {} : { PGOPTIONS: target.parameters['options'] },
      ...tls.env,
    },
  }
}

function tlsLogin(tls: TlsSettings, trusted: string, folder: string): Omit<ProgramLogin, 'args'> {
  const files: Record<string, string> = {}
  const env: Record<string, string> = { PGSSLMODE: tls.mode }
  const put = (variable: string, name: string, text: string): void => {
    files[name] = text
    env[variable] = `${folder}/${name}`
  }
  if (tls.ca !== undefined) put('PGSSLROOTCERT', 'root.crt', tls.ca)
  // libpq trusts no one until told to; Node trusts its own list of authorities
  else if (VERIFYING.has(tls.mode)) put('PGSSLROOTCERT', 'root.crt', trusted)
  if (tls.cert !== undefined) put('PGSSLCERT', 'client.crt', tls.cert)
  if (tls.key !== undefined) put('PGSSLKEY', 'client.key', tls.key)
  return { env, files }
}
