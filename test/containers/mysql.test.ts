import { clusterInContainers } from './mysql-family.js'

clusterInContainers('mysql')
