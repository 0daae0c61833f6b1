import type { ResolvedClusterOptions } from '../options.js'
import type { Availability, Provider } from '../rig.js'
import { installedBinaries } from './binaries.js'
import { LocalRig } from './local-rig.js'

/** Servers from the PostgreSQL that is installed here. */
export const localProvider: Provider = {
  name: 'local',
  async find(options: ResolvedClusterOptions): Promise<Availability> {
    const remedy = 'install PostgreSQL with its server programs, or set PG_BIN to their folder'
    if (process.platform === 'win32') return { reason: 'not supported on Windows', remedy: 'use Docker' }
    const found = await installedBinaries()
    const chosen = options.major === undefined ? found[0] : found.find(({ major }) => major === options.major)
    if (chosen) return { start: () => new LocalRig('local', chosen, options).start() }
    if (found.length === 0) return { reason: 'no initdb and postgres in PG_BIN, the usual folders or on PATH', remedy }
    return { reason: `PostgreSQL ${String(options.major)} was asked for, installed: ${found.map(({ major }) => major).join(', ')}`, remedy }
  },
}
