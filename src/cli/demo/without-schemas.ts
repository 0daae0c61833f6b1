import { ACCOUNTS, FIRST_BALANCE, PRODUCTS, type Ask, type AskedRow, type Contents, type DemoEngine } from './engine.js'

/** Numbers from 1; at most 1000, which is as deep as MySQL goes. */
const numbers = (count: number): string => `with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${String(count)})`

/** The same tables in SQL without schemas: their names begin with what elsewhere is the schema. `orders.id` is deliberately not unique. */
function demoIn(own: Pick<DemoEngine, 'label' | 'place' | 'example' | 'position' | 'hasReplayed'> & { readonly versionText: string; readonly replicaText: string }): DemoEngine {
  const { versionText, replicaText, ...facts } = own
  return {
    ...facts,
    setUp: (schema) => [
      `create table ${schema}_products (id int primary key, name varchar(100) not null, price int not null)`,
      `create table ${schema}_accounts (id int primary key, balance bigint not null)`,
      `create table ${schema}_orders (id bigint not null, account int not null, product int not null, amount int not null)`,
      `create index ${schema}_latest on ${schema}_orders (account, id)`,
      `insert into ${schema}_products (id, name, price) ${numbers(PRODUCTS)} select n, concat('product ', n), n % 100 + 1 from numbers`,
      `insert into ${schema}_accounts (id, balance) ${numbers(ACCOUNTS)} select n, ${String(FIRST_BALANCE)} from numbers`,
    ],
    tearDown: (schema) => ['orders', 'accounts', 'products'].map((table) => `drop table if exists ${schema}_${table}`),
    statements: (schema) => ({
      readProduct: `select id, name, price from ${schema}_products where id = ?`,
      readOrders: `select id, account, product, amount from ${schema}_orders where account = ? order by id desc limit 5`,
      insertOrder: `insert into ${schema}_orders (id, account, product, amount) values (?, ?, ?, ?)`,
      addToBalance: (account, amount) => [`update ${schema}_accounts set balance = balance + ? where id = ?`, [amount, account]],
    }),
    version: async (ask) => valueOf(await ask(versionText)),
    contents: (ask, schema) => contents(ask, schema, replicaText),
    ordersFrom: async (ask, schema, id) => (await ask(`select id from ${schema}_orders where id >= ?`, [id])).map((row) => Number(row['id'])),
  }
}

async function contents(ask: Ask, schema: string, replicaText: string): Promise<Contents> {
  const [row] = await ask(`select count(*) as held, count(distinct id) as ids, coalesce(sum(id), 0) as id_sum,
    (select sum(balance) from ${schema}_accounts) as balance, (${replicaText}) as replica from ${schema}_orders`)
  return {
    rows: Number(row?.['held']), distinctIds: Number(row?.['ids']), idSum: Number(row?.['id_sum']),
    balance: Number(row?.['balance']), replica: Number(row?.['replica']) === 1,
  }
}

function valueOf([row]: readonly AskedRow[]): string { return String(row?.['value']) }

const OF_THE_FAMILY = { example: { credits: 'credits-mysql' }, versionText: "select substring_index(version(), '-', 1) as value", replicaText: 'select if(@@global.read_only, 1, 0)' }

/** MariaDB 10.5 and later. */
export const mariadbDemo: DemoEngine = demoIn({
  ...OF_THE_FAMILY,
  label: 'MariaDB',
  place: { cluster: 'mariadb' },
  position: async (ask) => valueOf(await ask('select @@global.gtid_binlog_pos as value')),
  hasReplayed: async (ask, position) => valueOf(await ask(`select master_gtid_wait('${position}', 0) as value`)) === '0',
})

/** MySQL 8 and later. */
export const mysqlDemo: DemoEngine = demoIn({
  ...OF_THE_FAMILY,
  label: 'MySQL',
  place: { cluster: 'mysql' },
  position: async (ask) => valueOf(await ask('select @@global.gtid_executed as value')),
  hasReplayed: async (ask, position) => valueOf(await ask(`select gtid_subset('${position}', @@global.gtid_executed) as value`)) === '1',
})

/** SQLite: one file, a writer and its readers. */
export const sqliteDemo: DemoEngine = demoIn({
  label: 'SQLite',
  place: { embedded: (folder) => ({ url: `sqlite:${folder}/demo.db`, readers: true }) },
  versionText: 'select sqlite_version() as value',
  replicaText: 'select query_only from pragma_query_only',
  position: () => Promise.resolve(''),
  hasReplayed: () => Promise.resolve(true),
})
