import type { Driver } from '../../core/driver.js'
import { mysql } from '../mysql/index.js'
import { mariadbDialect } from './dialect.js'

/**
 * MariaDB 10.5 and later. It speaks MySQL's protocol and most of its SQL, so it is MySQL's driver with its own dialect.
 *
 * @example
 * registerDriver('mariadb', mariadb)
 */
export const mariadb: Driver = { ...mysql, dialect: mariadbDialect }
