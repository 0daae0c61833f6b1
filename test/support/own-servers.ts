import { readFileSync } from 'node:fs'
import { resolveClusterOptions } from '../../src/testing/options.js'
import { localProvider } from '../../src/testing/postgres/provider-local.js'

/**
 * The provider for tests that kill, freeze and inspect processes: installed servers, else those from npm, which are
 * always there. Containers and servers named in the environment cannot be looked into.
 */
export async function ownServers(): Promise<'local' | 'embedded'> {
  const found = await localProvider.find(resolveClusterOptions({ engine: 'postgres' }, {}))
  return 'start' in found ? 'local' : 'embedded'
}

/** Ids of the System V shared memory segments that exist now (Linux). */
export function sharedMemorySegments(): string[] {
  return readFileSync('/proc/sysvipc/shm', 'utf8').trim().split('\n').slice(1).map((line) => line.trim().split(/\s+/)[1]!)
}

/** The segment of the server whose data folder this is. */
export function segmentOf(dataFolder: string): string {
  return readFileSync(`${dataFolder}/postmaster.pid`, 'utf8').split('\n')[6]!.trim().split(/\s+/)[1]!
}
