import { existsSync } from 'node:fs'
import { TestClusterError } from '../errors.js'
import type { ResolvedClusterOptions } from '../options.js'
import { runProgram } from '../process.js'
import type { Availability, Provider } from '../rig.js'
import { APT_GET, aptEnvironment, aptInstall } from '../apt.js'
import type { Flavour, Programs } from './flavour.js'
import { installedPrograms } from './programs.js'
import { MysqlRig } from './rig.js'

const INSTALL_TIMEOUT_MS = 10 * 60_000

function fitting(found: readonly Programs[], { major }: ResolvedClusterOptions): Programs | undefined {
  return major === undefined ? found[0] : found.find((programs) => programs.major === major)
}

/** Servers installed on this machine. */
export function localProviderOf(flavour: Flavour): Provider {
  return {
    name: 'local',
    async find(options: ResolvedClusterOptions): Promise<Availability> {
      const remedy = `install ${flavour.title}'s server`
      if (process.platform === 'win32') return { reason: 'not supported on Windows', remedy: 'use Docker' }
      const found = await installedPrograms(flavour)
      const chosen = fitting(found, options)
      if (chosen) return { start: () => new MysqlRig('local', flavour, chosen, options).start() }
      if (found.length === 0) return { reason: `no ${flavour.title} server in the usual folders or on PATH`, remedy }
      return { reason: `${flavour.title} ${String(options.major)} was asked for, installed: ${found.map(({ version }) => version).join(', ')}`, remedy }
    },
  }
}

/** Installs packages, once, then uses them like the provider `local`. */
export function aptProviderOf(flavour: Flavour, ...packages: readonly string[]): Provider {
  const wanted = packages.join(' and ')
  const install = async (options: ResolvedClusterOptions): Promise<MysqlRig> => {
    options.onProgress(`installing ${wanted} with apt-get`)
    const { file, args } = aptInstall(...packages)
    await runProgram(file, args, { env: aptEnvironment(), timeoutMs: INSTALL_TIMEOUT_MS })
    const chosen = fitting(await installedPrograms(flavour), options)
    if (!chosen) throw new TestClusterError(`apt-get installed ${wanted}, but no ${flavour.title} server is in the usual folders`)
    return new MysqlRig('apt', flavour, chosen, options).start()
  }
  return {
    name: 'apt',
    find(options: ResolvedClusterOptions): Promise<Availability> {
      const remedy = `run as root on Debian or Ubuntu, or install ${flavour.title} yourself`
      if (!existsSync(APT_GET)) return Promise.resolve({ reason: `there is no ${APT_GET}`, remedy })
      if (process.getuid?.() !== 0) return Promise.resolve({ reason: 'only root can install packages', remedy })
      return Promise.resolve({ start: () => install(options) })
    },
  }
}
