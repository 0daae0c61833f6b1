import { mysqlDockerProviderOf } from '../mysql/provider-docker.js'
import { envProviderOf } from '../mysql/provider-env.js'
import { aptProviderOf, localProviderOf } from '../mysql/providers.js'
import type { Provider } from '../rig.js'
import { mariadbFlavour } from './flavour.js'

/**
 * In the order they are tried. The package with the server alone starts no service; a program of the client's is needed to
 * make a data folder.
 */
export const MARIADB_PROVIDERS: readonly Provider[] = [
  envProviderOf(mariadbFlavour), mysqlDockerProviderOf(mariadbFlavour), localProviderOf(mariadbFlavour),
  aptProviderOf(mariadbFlavour, 'mariadb-server-core', 'mariadb-client-core'),
]
