import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { mysql } from '../../../src/drivers/mysql/index.js'
import { Database } from '../../../src/index.js'
import { startCluster, type Cluster } from '../../../src/testing/index.js'

const ROWS = 3_000

describe.each(['mariadb', 'mysql'] as const)('%s', { timeout: 240_000 }, (engine) => {
  let cluster: Cluster
  let db: Database

  beforeAll(async () => {
    cluster = await startCluster({ engine, settings: { 'performance-schema': 'ON' } })
    db = await Database.open(cluster.url)
    await db.execute('create table wide (id int primary key, n int not null, name varchar(20) not null)')
    const digits = 'select 0 as d union all select 1 union all select 2 union all select 3 union all select 4 union all select 5'
      + ' union all select 6 union all select 7 union all select 8 union all select 9'
    await db.execute(`insert into wide select id, id % 7, concat('name ', id) from (
      select a.d * 1000 + b.d * 100 + c.d * 10 + e.d as id from (${digits}) a, (${digits}) b, (${digits}) c, (${digits}) e) numbers where id < ${String(ROWS)}`)
    await db.query('analyze table wide')
  }, 240_000)

  afterAll(async () => {
    await db.close()
    await cluster.destroy()
  })

  /** One row of a session opened with these parameters. */
  async function ask(parameters: string, sql: string, more: object = {}): Promise<unknown> {
    await using own = await Database.open({ primary: { url: `${cluster.url}${parameters}`, ...more } })
    return await own.connection(async (connection) => (await connection.many(sql))[0])
  }

  describe('a session is as its options say', () => {
    test('its time zone is half an hour off, and values are read in it', async () => {
      const row = await ask('?timezone=%2B05:30', 'select @@session.time_zone as zone, cast(from_unixtime(0) as char) as zero')
      expect(row).toMatchObject({ zone: '+05:30', zero: expect.stringMatching(/^1970-01-01 05:30:00/) as string })
    })

    test('it is compressed when that is asked for', async () => {
      const text = "show session status like 'Compression'"
      expect(await ask('?compress=true', text)).toMatchObject({ Value: 'ON' })
      expect(await ask('', text)).toMatchObject({ Value: 'OFF' })
    })

    test('its collation is the one that is given', async () => {
      expect(await ask('?collation=utf8mb4_bin', 'select @@session.collation_connection as name')).toEqual({ name: 'utf8mb4_bin' })
    })

    test('its quoting is the server\'s when it connects, and then what the session makes of it', async () => {
      await using admin = await Database.open(cluster.superuserUrl)
      const modes = await admin.connection((connection) => connection.value<string>('select @@global.sql_mode'))
      await admin.connection((connection) => connection.query("set global sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'"))
      try {
        await using own = await Database.open(cluster.url)
        await own.connection(async (connection) => {
          expect(await connection.many('select concat(\'\\\', ?) as "why?"', ['x'])).toEqual([{ 'why?': '\\x' }])
          await connection.query("set session sql_mode = 'NO_BACKSLASH_ESCAPES'")
          expect(await connection.many('select "\\" as a, ? as b, "?" as c', ['x'])).toEqual([{ a: '\\', b: 'x', c: '?' }])
          await connection.query("set session sql_mode = ''")
          expect(await connection.many('select "\\"?" as a, \'\\\'?\' as b, ? as c', ['x'])).toEqual([{ a: '"?', b: "'?", c: 'x' }])
        })
      } finally {
        await admin.connection((connection) => connection.query('set global sql_mode = ?', [modes]))
      }
    })

    test('the server lists the name of the application and attributes of one\'s own', async () => {
      await using own = await Database.open({
        primary: { url: cluster.superuserUrl, applicationName: 'shop', driverOptions: { connectAttributes: { team: 'orders' } } },
      })
      const rows = await own.connection((connection) => connection.many(`select attr_name as name, attr_value as value
        from performance_schema.session_connect_attrs where processlist_id = connection_id() and attr_name in ('program_name', 'team') order by 1`))
      expect(rows).toEqual([{ name: 'program_name', value: 'shop' }, { name: 'team', value: 'orders' }])
    })
  })

  describe('a plan', () => {
    const SLOW = 'select name from wide where n = 5 order by name'

    test.each([false, true])('of a statement that reads a whole table and sorts says so, executed: %s', async (analyze) => {
      const plan = await db.explain(SLOW, [], { analyze })
      expect(plan.advice).toEqual([
        expect.stringMatching(/^wide is read as a whole \(about [23]\d{3} rows\): no index (fits|is used); /) as string,
        expect.stringMatching(/^rows are sorted after they were read/) as string,
      ])
      expect(plan.text).toContain('wide')
      if (analyze) expect(plan.executionMs).toBeGreaterThan(0)
      else expect(plan.executionMs).toBeUndefined()
    })

    test('of a look-up by key has nothing to advise', async () => {
      expect((await db.explain('select name from wide where id = ?', [5])).advice).toEqual([])
    })

    // MariaDB has one form alone
    if (engine === 'mysql') test('of older MySQL is read as well', async () => {
      await db.connection(async (connection) => {
        await connection.query('set explain_json_format_version = 1')
        const { rows } = await connection.query(`explain format = json ${SLOW}`)
        const { advice, cost } = mysql.dialect.readPlan(rows)
        expect(advice).toEqual([expect.stringMatching(/^wide .*no index fits; /) as string, expect.stringMatching(/^rows are sorted/) as string])
        expect(cost).toBeGreaterThan(1)
      })
    })

    test('has a cost where the engine gives one', async () => {
      for (const analyze of [false, true]) {
        const { cost } = await db.explain(SLOW, [], { analyze })
        if (engine === 'mysql') expect(cost).toBeGreaterThan(1)
        else expect(cost === undefined || cost > 0).toBe(true)
      }
    })
  })
})
