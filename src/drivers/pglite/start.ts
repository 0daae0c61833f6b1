import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { sleep } from '../../core/deadline.js'
import { FileLease, LeaseUnwritable } from '../../core/file-lease.js'
import { ConnectionError } from '../../core/errors.js'
import { load } from '../../core/load.js'
import { readAnswer } from './answer.js'
import { Engine, type EngineFacts } from './engine.js'
import { noFolder } from './failure.js'
import type { PgliteOptions } from './options.js'

/** An engine that runs, and how it ends. */
export interface Started {
  readonly engine: Engine
  close(): Promise<void>
}

/** How a start goes about the folder. */
export interface StartOptions {
  /** Nothing is made where there is no database. */
  readonly mustExist: boolean
  /** Patience with another process that has the folder. */
  readonly waitMs: number
}

const LOOK_MS = 50

/** Starts PGlite: seconds for a new database, half a second for one that is there. */
export async function startEngine({ folder, client }: PgliteOptions, { mustExist, waitMs }: StartOptions): Promise<Started> {
  const { PGlite, protocol } = await load('@electric-sql/pglite', () => import('@electric-sql/pglite'), 'the pglite driver')
  if (folder === undefined) return running(new PGlite({ ...client, dataDir: 'memory://' }), protocol.serialize, undefined)
  refuse(folder, mustExist)
  const lease = new FileLease(folder)
  await take(lease, folder, waitMs)
  try {
    return await running(new PGlite({ ...client, dataDir: folder }), protocol.serialize, lease)
  } catch (error) {
    lease.release()
    throw error
  }
}

async function running(client: ConstructorParameters<typeof Engine>[0], serialize: Engine['serialize'], lease: FileLease | undefined): Promise<Started> {
  await client.waitReady
  const engine = new Engine(client, serialize, await factsOf(client, serialize))
  return {
    engine,
    close: async () => {
      await engine.close()
      lease?.release()
    },
  }
}

/** An engine that cannot even say what it is is closed: nobody would ever come to close it later. */
async function factsOf(client: ConstructorParameters<typeof Engine>[0], serialize: Engine['serialize']): Promise<EngineFacts> {
  try {
    const [row] = readAnswer((await client.execProtocol(serialize.query(FACTS))).messages, () => String).rows
    return { version: String(row?.['version']), versionNumber: Number(row?.['number']) }
  } catch (error) {
    await client.close().catch(() => undefined)
    throw error
  }
}

const FACTS = "select current_setting('server_version') as version, current_setting('server_version_num') as number"

function refuse(folder: string, mustExist: boolean): void {
  if (existsSync(folder)) {
    if (!statSync(folder).isDirectory()) throw noFolder('the data folder is a file')
  } else if (!existsSync(dirname(folder))) throw noFolder('the folder that should hold the data folder does not exist')
  if (mustExist && !existsSync(join(folder, 'PG_VERSION'))) throw noFolder('there is no database in the data folder')
}

/** PGlite itself does not notice that another process has the folder, and the two would destroy it. */
async function take(lease: FileLease, folder: string, waitMs: number): Promise<void> {
  for (const until = performance.now() + waitMs; ;) {
    try {
      if (lease.acquire()) return
    } catch (error) {
      if (!(error instanceof LeaseUnwritable)) throw error
      throw noFolder(`the data folder cannot be used: ${error.message}`, error.cause)
    }
    if (performance.now() >= until) {
      throw new ConnectionError('too-many-connections', 'another process has the data folder open, and PGlite is for one process at a time', {
        connectionLost: true, hint: `the file ${folder}-lease names that process; several processes need a server: postgres://…`,
      })
    }
    await sleep(LOOK_MS)
  }
}
