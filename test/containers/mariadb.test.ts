import { clusterInContainers } from './mysql-family.js'

clusterInContainers('mariadb')
