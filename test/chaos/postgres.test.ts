import { postgres } from './engine.js'
import { chaos } from './scenario.js'

chaos(postgres)
