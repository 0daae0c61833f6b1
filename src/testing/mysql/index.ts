import type { Provider } from '../rig.js'
import { mysqlFlavour } from './flavour-mysql.js'
import { mysqlDockerProviderOf } from './provider-docker.js'
import { envProviderOf } from './provider-env.js'
import { unpackProvider } from './provider-unpack.js'
import { aptProviderOf, localProviderOf } from './providers.js'

/** In the order they are tried. Ubuntu's apt has MySQL; Debian's has not, so there it is unpacked. */
export const MYSQL_PROVIDERS: readonly Provider[] = [
  envProviderOf(mysqlFlavour), mysqlDockerProviderOf(mysqlFlavour), localProviderOf(mysqlFlavour), unpackProvider,
  aptProviderOf(mysqlFlavour, 'mysql-server-core'),
]
