import { ownCluster } from './replay.js'
import { sessionScenarios } from './scenarios.js'

sessionScenarios(await ownCluster({ engine: 'mysql' }), {
  addEntry: 'create function add_entry(x int) returns int deterministic modifies sql data begin insert into entry (id) values (x); return x; end',
  opaque: ['alter table made add column n int'], returning: false, writableCte: false,
})
