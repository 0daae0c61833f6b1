import type { Dialect } from '../../core/dialect.js'
import { mysqlDialect } from '../mysql/dialect.js'
import { nodeProbe } from '../mysql/probes.js'
import { MARIADB_POSITION, mariadbDistance, mariadbPosition, mariadbPositions } from './positions.js'

/** MariaDB's facts, where they are not MySQL's. */
export const mariadbDialect: Dialect = {
  ...mysqlDialect,
  engine: 'mariadb',
  // JSON is a name for LONGTEXT with a check: columns of it arrive parsed, a cast to it does not exist
  features: { ...mysqlDialect.features, returning: true, jsonType: false },
  probes: { ...mysqlDialect.probes, node: nodeProbe(MARIADB_POSITION, "concat_ws(':', @@global.server_id, @@global.hostname, @@global.port)", mariadbPosition), distance: mariadbDistance },
  positions: mariadbPositions,
  explain: (text, analyze) => `${analyze ? 'analyze' : 'explain'} format = json ${text}`,
}
