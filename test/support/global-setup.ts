import type { TestProject } from 'vitest/node'
import { startCluster } from '../../src/testing/index.js'

/** Where the run's shared cluster is: URLs for the superuser, the primary first. */
export interface SharedCluster {
  readonly version: string
  readonly provider: string
  readonly superuserUrls: readonly string[]
  readonly appUrls: readonly string[]
}

declare module 'vitest' {
  interface ProvidedContext {
    /** Absent in projects without servers. */
    readonly sharedCluster: SharedCluster | undefined
  }
}

/** One primary and two replicas for the whole run; every file makes its own database there. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const startedAt = performance.now()
  const cluster = await startCluster({ engine: 'postgres', replicas: 2 })
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
  process.stderr.write(`PostgreSQL ${cluster.version} (${cluster.provider}), 1 primary and 2 replicas, up in ${seconds} s\n`)
  project.provide('sharedCluster', {
    version: cluster.version,
    provider: cluster.provider,
    superuserUrls: [cluster.superuserUrl, ...cluster.superuserReplicaUrls],
    appUrls: [cluster.url, ...cluster.replicaUrls],
  })
  return async () => { await cluster.destroy() }
}
