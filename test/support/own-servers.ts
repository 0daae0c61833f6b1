import { readFileSync } from 'node:fs'
import { resolveClusterOptions } from '../../src/testing/options.js'
import { installedBinaries, type Binaries } from '../../src/testing/postgres/binaries.js'
import { findEmbedded } from '../../src/testing/postgres/provider-embedded.js'

/**
 * The provider for tests that kill, freeze and inspect processes: installed servers, else those from npm, which are
 * always there. Containers and servers named in the environment cannot be looked into.
 */
export async function ownServers(): Promise<'local' | 'embedded'> {
  return await installed() ? 'local' : 'embedded'
}

/** Programs to run a single server with, from where {@link ownServers} would take them. */
export async function ownPrograms(): Promise<Binaries> {
  const local = await installed()
  if (local) return local
  const found = await findEmbedded(undefined)
  if ('programs' in found) return found.programs()
  throw new Error(`these tests need a PostgreSQL server: none is installed, and ${found.reason}; ${found.remedy}`)
}

/** The highest version installed, or the one `SLUICE_TEST_POSTGRES_VERSION` names; none when the embedded one is to be taken. */
async function installed(): Promise<Binaries | undefined> {
  const { major, provider } = resolveClusterOptions({ engine: 'postgres' })
  if (provider === 'embedded') return undefined
  return (await installedBinaries()).find((programs) => major === undefined || programs.major === major)
}

/** Ids of the System V shared memory segments that exist now (Linux). */
export function sharedMemorySegments(): string[] {
  return readFileSync('/proc/sysvipc/shm', 'utf8').trim().split('\n').slice(1).map((line) => line.trim().split(/\s+/)[1]!)
}

/** The segment of the server whose data folder this is. */
export function segmentOf(dataFolder: string): string {
  return readFileSync(`${dataFolder}/postmaster.pid`, 'utf8').split('\n')[6]!.trim().split(/\s+/)[1]!
}
