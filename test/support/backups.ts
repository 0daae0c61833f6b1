import { mkdtemp, rm } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, inject } from 'vitest'
import pg from 'pg'
import { BackupManager, Database, type BackupManagerOptions, type Observer } from '../../src/index.js'
import { startCluster } from '../../src/testing/index.js'
import { APT_GET, aptEnvironment, aptInstall } from '../../src/testing/apt.js'
import { program } from './pg-tools.js'

/** A server whose dumps this machine has the tools for. */
interface DumpServer {
  readonly adminUrl: string
  readonly appUrl: string
}

/** Highest major version of pg_dump here; installs it as root on Debian. */
async function dumpMajor(): Promise<number> {
  const said = async (): Promise<string> => program('pg_dump', ['--version']).catch(() => '')
  let found = /(\d+)\./.exec(await said())?.[1]
  if (found === undefined && process.getuid?.() === 0 && existsSync(APT_GET)) {
    const { file, args } = aptInstall('postgresql-client')
    await program(file, args, aptEnvironment())
    found = /(\d+)\./.exec(await said())?.[1]
  }
  if (found === undefined) throw new Error('the tests of backups need pg_dump: apt-get install postgresql-client')
  return Number(found)
}

/** The run's shared cluster when pg_dump here can serve it; else a server of the tools' own version. */
async function dumpServer(): Promise<DumpServer> {
  const shared = inject('sharedCluster')
  const major = await dumpMajor()
  if (shared && Number.parseInt(shared.version, 10) <= major) return { adminUrl: shared.superuserUrls[0]!, appUrl: shared.appUrls[0]! }
  const cluster = await startCluster({ engine: 'postgres', replicas: 0, provider: 'apt' })
  afterAll(() => cluster.destroy())
  return { adminUrl: cluster.superuserUrl, appUrl: cluster.url }
}

/** A database of the test file's own, with what tests of backups do to it. */
export interface BackupBench {
  readonly name: string
  /** Superuser. */
  readonly url: string
  /** An ordinary role, the database's owner. */
  readonly ownerUrl: string
  /** An empty folder, gone after the file. */
  readonly folder: string
  urlOf(database: string): string
  /** One statement as superuser, in this database or another. */
  sql(text: string, database?: string): Promise<Record<string, unknown>[]>
  /** A manager over a database that is closed with the file; by default into `folder`. */
  manager(options?: BackupManagerOptions, observers?: readonly Observer[], url?: string): BackupManager
  databases(): Promise<string[]>
}

/** Makes a database and a folder for the calling test file; everything whose name begins with the database's goes after it. */
export async function backupBench(): Promise<BackupBench> {
  const { adminUrl, appUrl } = await dumpServer()
  const name = `bk${Math.random().toString(36).slice(2, 10)}`
  const at = (url: string, database: string): string => Object.assign(new URL(url), { pathname: `/${database}` }).href
  const sql = async (text: string, database = name): Promise<Record<string, unknown>[]> => {
    const client = new pg.Client({ connectionString: at(adminUrl, database) })
    client.on('error', () => {})
    await client.connect()
    try {
      return (await client.query<Record<string, unknown>>(text)).rows
    } finally {
      await client.end()
    }
  }
  await sql(`create database ${name} owner "${new URL(appUrl).username}"`, 'postgres')
  const folder = await mkdtemp(join(tmpdir(), 'sluice-backups-'))
  const opened: Database[] = []
  const databases = async (): Promise<string[]> =>
    (await sql(`select datname from pg_database where datname like '${name}%' or datname like 'sluice\\_verify%' order by 1`, 'postgres')).map((row) => String(row['datname']))
  afterAll(async () => {
    await Promise.all(opened.map((db) => db.close({ drainMs: 0 })))
    for (const database of await databases()) if (database.startsWith(name)) await sql(`drop database "${database}" with (force)`, 'postgres')
    await rm(folder, { recursive: true, force: true })
  })
  const url = at(adminUrl, name)
  return {
    name, url, ownerUrl: at(appUrl, name), folder, sql, databases,
    urlOf: (database) => at(adminUrl, database),
    manager: (options = {}, observers = [], own = url) => {
      const db = new Database({ primary: own, observers })
      opened.push(db)
      return new BackupManager(db, { location: `file:${folder}`, ...options })
    },
  }
}
