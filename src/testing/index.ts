export { startCluster } from './start-cluster.js'
export { Cluster, type ClusterDatabase, type NodeReference } from './cluster.js'
export { ClusterNode, type NodeRole } from './cluster-node.js'
export {
  flakyProxy, FlakyProxy, type CutPoint, type CutWatch, type Direction, type FlakyProxyOptions,
} from './flaky-proxy.js'
export type { WireMessage } from './wire.js'
export { TestClusterError } from './errors.js'
export type { ClusterEngine, ClusterOptions, ClusterTls, ProviderName } from './options.js'
export type { ServerState, StopMode } from './rig.js'
export { driverConformance, mariadbConformance, mysqlConformance, pgliteConformance, postgresConformance, sqliteConformance } from './conformance.js'
export type { ConformanceCase, ConformanceSql, ConformanceTarget, ValueKind, ValueRoundTrip } from './conformance.js'
export { fakeError, fakeResult, hang, FakeConnection, FakeServer, FakeServerError } from './fake-driver.js'
export type { FakeCancel, FakeResponder } from './fake-driver.js'
