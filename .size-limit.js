import { eagerGraph } from './scripts/eager-graph.js'

// The library is not bundled by its users: what counts is what Node reads and compiles on `import 'sluice'`.
export default [
  {
    name: "import 'sluice' (own files loaded at once)",
    path: eagerGraph('dist/index.js').files,
    // every engine's words are always loaded (their npm clients are not): about 12 kB for each, a family's second one 4 kB; the
    // query cache is 17 kB, the manager of several databases 4 kB; retries, ejection and idempotency keys are 7 kB
    limit: '375 kB',
    gzip: true,
  },
]
