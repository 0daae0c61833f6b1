import { existsSync, readdirSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'
import { programIn } from '../program-in.js'
import { runProgram } from '../process.js'

/** PostgreSQL programs in one folder. */
export interface Binaries {
  readonly folder: string
  readonly major: number
  /** Library path to run them with, when they do not find their libraries by themselves. */
  readonly env: Readonly<Record<string, string>>
}

/** Parents of `<version>/bin`, as the usual packages lay them out. */
const VERSIONED_HOMES = [
  { parent: '/usr/lib/postgresql', prefix: '' },
  { parent: '/usr', prefix: 'pgsql-' },
  { parent: '/opt/homebrew/opt', prefix: 'postgresql@' },
  { parent: '/usr/local/opt', prefix: 'postgresql@' },
  { parent: '/Applications/Postgres.app/Contents/Versions', prefix: '' },
] as const

function versionedFolders(): string[] {
  return VERSIONED_HOMES.flatMap(({ parent, prefix }) => {
    if (!existsSync(parent)) return []
    return readdirSync(parent).filter((name) => name.startsWith(prefix)).map((name) => join(parent, name, 'bin'))
  })
}

/** Folders of the PATH that hold the server's programs, and the one that the first `pg_config` of the PATH names. */
async function foldersOnPath(): Promise<string[]> {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(isAbsolute)
  const config = folders.flatMap((folder) => programIn(folder, 'pg_config') ?? [])[0]
  const named = config === undefined ? '' : (await runProgram(config, ['--bindir']).catch(() => '')).trim()
  return [...folders.filter((folder) => programIn(folder, 'initdb') && programIn(folder, 'postgres')), named]
}

/** The server's major version; `undefined` for a folder without a server that runs. */
export async function majorIn(folder: string, env: Readonly<Record<string, string>> = {}): Promise<number | undefined> {
  const server = programIn(folder, 'postgres')
  if (!server || !programIn(folder, 'initdb')) return undefined
  const said = await runProgram(server, ['--version'], { env, timeoutMs: 5_000 }).catch(() => '')
  const major = /\(PostgreSQL\) (\d+)/.exec(said)?.[1]
  return major === undefined ? undefined : Number(major)
}

/** Every PostgreSQL installed here: `PG_BIN` alone when set, else the usual places; highest version first. */
export async function installedBinaries(): Promise<readonly Binaries[]> {
  const set = process.env['PG_BIN']
  const folders = set ? [set] : [...new Set([...versionedFolders(), ...await foldersOnPath()])].filter(Boolean)
  const found = await Promise.all(folders.map(async (folder) => ({ folder, major: await majorIn(folder), env: {} })))
  return found.flatMap(({ folder, major, env }) => major === undefined ? [] : [{ folder, major, env }])
    .sort((a, b) => b.major - a.major)
}
