import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { postgresLexicon } from '../../../src/drivers/postgres/lexicon.js'
import { Classifier } from '../../../src/sql/classifier.js'
import { freshDatabase, type FreshDatabase } from '../../support/database.js'
import { generatedStatements } from '../../unit/sql/statements.js'

/** Volatile built-ins that were looked at one by one and only read. */
const VOLATILE_READERS = [
  'array_sample', 'array_shuffle', 'clock_timestamp', 'current_query', 'gen_random_uuid', 'pg_database_size', 'pg_get_wal_replay_pause_state', 'pg_indexes_size',
  'pg_is_in_recovery', 'pg_is_wal_replay_paused', 'pg_last_wal_receive_lsn', 'pg_last_wal_replay_lsn', 'pg_last_xact_replay_timestamp', 'pg_partition_ancestors',
  'pg_partition_tree', 'pg_relation_size', 'pg_table_size', 'pg_tablespace_size', 'pg_total_relation_size', 'random', 'random_normal', 'timeofday', 'uuidv4', 'uuidv7',
]

/** Constructs since PostgreSQL 16 or 17. On older servers they may be a user's own functions, so they are taken for calls. */
const NEWER_CONSTRUCTS = new Set([
  'json', 'json_array', 'json_arrayagg', 'json_exists', 'json_object', 'json_objectagg', 'json_query', 'json_scalar', 'json_serialize',
  'json_table', 'json_value', 'merge_action',
])

/** What a standby or a read-only session answers to a write. */
const REFUSED_BY_STANDBY = new Set(['25006', '55000'])

let database: FreshDatabase
beforeAll(async () => { database = await freshDatabase() })

describe('the words of PostgreSQL beside a real server', () => {
  it('sorts every keyword of the server as the server does', async () => {
    const { reserved, constructs, others } = postgresLexicon.keywords
    for (const { word, catcode } of await database.admin('select word, catcode::text from pg_get_keywords()')) {
      const name = String(word)
      if (catcode === 'R') expect(reserved, name).toContain(name)
      // A newer server may have made a construct of a plain keyword; the other way round nothing is lost.
      else if (catcode === 'C') expect(NEWER_CONSTRUCTS.has(name) ? others : constructs, name).toContain(name)
      else expect(others.has(name) || constructs.has(name) || reserved.has(name), name).toBe(true)
    }
  })

  it('calls no volatile function a reader that was not looked at', async () => {
    const readers = [...postgresLexicon.functions].filter(([, kind]) => kind === 'read').map(([name]) => name)
    const rows = await database.admin(
      `select distinct proname from pg_proc where pronamespace = 'pg_catalog'::regnamespace and provolatile = 'v' and proname = any ($1)`, [readers])
    expect(rows.map(({ proname }) => String(proname)).filter((name) => !VOLATILE_READERS.includes(name))).toEqual([])
  })

  it('knows nearly all its functions from this very server', async () => {
    const names = [...postgresLexicon.functions.keys()].filter((name) => !name.includes('.'))
    const rows = await database.admin(`select distinct proname from pg_proc where pronamespace = 'pg_catalog'::regnamespace and proname = any ($1)`, [names])
    // The rest belongs to newer versions.
    expect(rows.length / names.length).toBeGreaterThan(0.9)
  })
})

describe('what is called a read', () => {
  it('is refused by no standby', { timeout: 60_000 }, async () => {
    const classifier = new Classifier(postgresLexicon)
    await database.admin('create table t (a int, b text, c text); create table u (a int, b text); create table kw (delete int)')
    await database.waitForReplay()
    const client = new pg.Client({ connectionString: database.adminReplicaUrls[0], options: '-c default_transaction_read_only=on -c statement_timeout=5s' })
    await client.connect()
    const codes = new Map<string, number>()
    try {
      for (const text of generatedStatements()) {
        // The client cannot speak COPY's protocol; placeholders lack their values.
        if (classifier.classify(text).class !== 'read' || text.startsWith('copy') || text.includes('$1')) continue
        const code = await client.query(text).then(() => 'ran', (error: unknown) => (error instanceof pg.DatabaseError && error.code) || 'lost')
        expect(REFUSED_BY_STANDBY.has(code) || code === 'lost', `${code}: ${text}`).toBe(false)
        codes.set(code, (codes.get(code) ?? 0) + 1)
      }
    } finally {
      await client.end()
    }
    expect(codes.get('ran')).toBeGreaterThan(40)
  })
})
