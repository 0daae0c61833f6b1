import type { SqliteBuild } from './build.js'
import { betterBuild } from './build-better.js'
import { nodeBuild } from './build-node.js'
import { wasmBuild } from './build-wasm.js'
import type { BuildChoice } from './options.js'
import { ConfigError } from '../../core/errors.js'

const chosen = new Map<BuildChoice, Promise<SqliteBuild>>()

/**
 * The SQLite of this process: Node's own (22.13 and later), else `better-sqlite3` where it is installed, else
 * `node-sqlite3-wasm`. Looked for once.
 *
 * @throws ConfigError a build was asked for by name and is not there
 */
export function chooseBuild(choice: BuildChoice): Promise<SqliteBuild> {
  let build = chosen.get(choice)
  if (!build) {
    build = find(choice)
    chosen.set(choice, build)
    build.catch(() => chosen.delete(choice))
  }
  return build
}

async function find(choice: BuildChoice): Promise<SqliteBuild> {
  switch (choice) {
    case 'auto': return nodeBuild() ?? await betterBuild() ?? wasmBuild()
    case 'node': return given(nodeBuild(), 'Node 22.13 or later')
    case 'better-sqlite3': return given(await betterBuild(), 'npm install better-sqlite3')
    case 'wasm': return wasmBuild()
  }
}

function given(build: SqliteBuild | undefined, needs: string): SqliteBuild {
  if (build) return build
  throw new ConfigError(`the SQLite build that was asked for is not there: it needs ${needs}`, { option: 'build' })
}
