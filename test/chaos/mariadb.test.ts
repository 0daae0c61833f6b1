import { mariadb } from './engine.js'
import { chaos } from './scenario.js'

chaos(mariadb)
