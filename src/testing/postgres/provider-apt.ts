import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { APT_GET, aptEnvironment, aptInstall } from '../apt.js'
import { TestClusterError } from '../errors.js'
import type { ResolvedClusterOptions } from '../options.js'
import { runProgram } from '../process.js'
import type { Availability, Provider, Rig } from '../rig.js'
import { installedBinaries } from './binaries.js'
import { LocalRig } from './local-rig.js'

const CREATE_CLUSTER_CONFIG = '/etc/postgresql-common/createcluster.conf'
const INSTALL_TIMEOUT_MS = 10 * 60_000

/** The package starts a server of its own, on port 5432, unless this file says not to when it is installed. */
async function preventSystemCluster(): Promise<void> {
  if (existsSync(CREATE_CLUSTER_CONFIG)) return
  await mkdir(dirname(CREATE_CLUSTER_CONFIG), { recursive: true })
  await writeFile(CREATE_CLUSTER_CONFIG, 'create_main_cluster = false\n')
}

async function install(options: ResolvedClusterOptions): Promise<Rig> {
  const wanted = options.major === undefined ? 'postgresql' : `postgresql-${options.major}`
  options.onProgress(`installing ${wanted} with apt-get`)
  await preventSystemCluster()
  const { file, args } = aptInstall(wanted)
  await runProgram(file, args, { env: aptEnvironment(), timeoutMs: INSTALL_TIMEOUT_MS })
  const found = await installedBinaries()
  const chosen = found.find(({ major }) => options.major === undefined || major === options.major)
  if (!chosen) throw new TestClusterError(`apt-get installed ${wanted}, but no initdb and postgres are in the usual folders`)
  return new LocalRig('apt', chosen, options).start()
}

/** Installs PostgreSQL, once, then uses it like the provider `local`. */
export const aptProvider: Provider = {
  name: 'apt',
  find(options: ResolvedClusterOptions): Promise<Availability> {
    const remedy = 'run as root on Debian or Ubuntu, or install PostgreSQL yourself'
    if (!existsSync(APT_GET)) return Promise.resolve({ reason: `there is no ${APT_GET}`, remedy })
    if (process.getuid?.() !== 0) return Promise.resolve({ reason: 'only root can install packages', remedy })
    return Promise.resolve({ start: () => install(options) })
  },
}
