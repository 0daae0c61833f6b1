import type { ResolvedClusterOptions } from '../options.js'
import type { Availability, Provider, Rig } from '../rig.js'
import { whyNoDocker } from './daemon.js'
import type { Testcontainers } from './rig.js'

const REMEDY = 'npm install --save-dev testcontainers, with a running Docker'

/**
 * Servers in containers, through the optional package `testcontainers`.
 *
 * @param servesTls - whether the servers can be given certificates
 */
export function dockerProviderOf(
  start: (library: Testcontainers, options: ResolvedClusterOptions) => Promise<Rig>, { servesTls }: { readonly servesTls: boolean },
): Provider {
  return {
    name: 'docker',
    async find(options: ResolvedClusterOptions): Promise<Availability> {
      if (options.tls && !servesTls) return { reason: 'tls is not supported by this provider', remedy: 'use provider local or embedded' }
      const reason = await whyNoDocker()
      if (reason !== undefined) return { reason, remedy: REMEDY }
      const library = await import('testcontainers').catch(() => undefined)
      if (!library) return { reason: 'Docker answers, but the package testcontainers is not installed', remedy: REMEDY }
      return { start: () => start(library, options) }
    },
  }
}
