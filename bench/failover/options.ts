import type { DatabaseOptions } from '../../src/index.js'
import type { Cluster } from '../../src/testing/index.js'

/** Options for a cluster's servers, by their names. */
export function optionsFor(cluster: Cluster, more: DatabaseOptions = {}): DatabaseOptions {
  const [primary, ...replicas] = cluster.nodes.map(({ name, url }) => ({ name, url }))
  return { primary, replicas, ...more }
}
