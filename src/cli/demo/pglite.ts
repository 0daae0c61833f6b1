import type { DemoEngine } from './engine.js'
import { postgresDemo } from './postgres.js'

/** PGlite: PostgreSQL inside this process, with one session and no replica. */
export const pgliteDemo: DemoEngine = {
  ...postgresDemo,
  label: 'PGlite',
  place: { embedded: (folder) => ({ url: `pglite:${folder}/demo`, readers: false }) },
  position: () => Promise.resolve(''),
  hasReplayed: () => Promise.resolve(true),
  synchronous: undefined,
}
