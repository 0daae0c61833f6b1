import type { Dialect } from '../../core/dialect.js'
import { mysqlDialect } from '../mysql/dialect.js'

/** MariaDB's facts, where they are not MySQL's. */
export const mariadbDialect: Dialect = {
  ...mysqlDialect,
  engine: 'mariadb',
  explain: (text, analyze) => `${analyze ? 'analyze' : 'explain'} format = json ${text}`,
}
