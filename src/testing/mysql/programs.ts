import { delimiter, isAbsolute } from 'node:path'
import { programIn } from '../program-in.js'
import { runProgram } from '../process.js'
import type { Flavour, Programs } from './flavour.js'

const FOLDERS = [
  '/usr/sbin', '/usr/bin', '/usr/libexec', '/usr/local/sbin', '/usr/local/bin', '/usr/local/mysql/bin', '/opt/homebrew/bin',
] as const
const SERVERS = { mariadb: ['mariadbd', 'mysqld'], mysql: ['mysqld'] } as const
const INSTALLERS = ['mariadb-install-db', 'mysql_install_db'] as const
const BIN_VARIABLE = { mariadb: 'MARIADB_BIN', mysql: 'MYSQL_BIN' } as const

/** Servers of this engine installed here: in the folder the environment names alone when it does, else in the usual ones and on PATH. */
export async function installedPrograms({ engine }: Flavour): Promise<readonly Programs[]> {
  const set = process.env[BIN_VARIABLE[engine]]
  const folders = set ? [set] : [...new Set([...FOLDERS, ...(process.env['PATH'] ?? '').split(delimiter).filter(isAbsolute)])]
  const files = folders.flatMap((folder) => SERVERS[engine].flatMap((name) => programIn(folder, name) ?? []))
  const found: Programs[] = []
  for (const file of files) {
    const version = await versionOf(engine, file)
    if (version === undefined || found.some((other) => other.version === version)) continue
    const installer = folders.flatMap((folder) => INSTALLERS.flatMap((name) => programIn(folder, name) ?? []))[0]
    if (engine === 'mariadb' && installer === undefined) continue
    found.push({ file, before: [], after: [], installer, env: {}, version, major: Number.parseInt(version) })
  }
  return found.sort((a, b) => b.major - a.major)
}

/** `mysqld` may be MySQL's or MariaDB's: its own word decides. */
async function versionOf(engine: Flavour['engine'], file: string): Promise<string | undefined> {
  return versionIn(engine, await runProgram(file, ['--no-defaults', '--version'], { timeoutMs: 5_000 }).catch(() => ''))
}

/** The version in what a server says of itself; undefined when it is of the other engine. */
export function versionIn(engine: Flavour['engine'], said: string): string | undefined {
  const version = /Ver (\d+\.\d+\.\d+)/.exec(said)?.[1]
  return /mariadb/i.test(said) === (engine === 'mariadb') ? version : undefined
}
