import { ACCOUNTS, FIRST_BALANCE, PRODUCTS, type Ask, type AskedRow, type DemoEngine } from './engine.js'

/**
 * `orders.id` is deliberately not unique: a write that was doubled must show as a second row, not as an error.
 * Reads scan `products` and `orders`, writes scan only `accounts`: so the servers' own scan counters count the reads.
 */
const SET_UP = (schema: string): string => `
create schema ${schema};
create table ${schema}.products (id int primary key, name text not null, price int not null);
create table ${schema}.accounts (id int primary key, balance bigint not null);
create table ${schema}.orders (
  id bigint not null, account int not null, product int not null, amount int not null, ordered_at timestamptz not null default now());
create index on ${schema}.orders (account, id);
insert into ${schema}.products select n, 'product ' || n, n % 100 + 1 from generate_series(1, ${PRODUCTS}) n;
insert into ${schema}.accounts select n, ${FIRST_BALANCE} from generate_series(1, ${ACCOUNTS}) n;`

/** Maintained by every server for what runs on it, standbys included. Sessions deliver their counts when they end. */
const ACTIVITY = `
select coalesce(sum(seq_scan + coalesce(idx_scan, 0)) filter (where relname in ('products', 'orders')), 0)::text as reads,
  coalesce(sum(n_tup_ins) filter (where relname = 'orders'), 0)::text as inserts,
  coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::text as changes
from pg_stat_user_tables where schemaname = $1`

/** PostgreSQL 13 and later. */
export const postgresDemo: DemoEngine = {
  label: 'PostgreSQL',
  place: { cluster: 'postgres' },
  example: { credits: 'credits', shadow: 'shadow', cdefnet: 'cdefnet' },
  setUp: (schema) => [SET_UP(schema)],
  tearDown: (schema) => [`drop schema if exists ${schema} cascade`],
  statements: (schema) => ({
    readProduct: `select id, name, price from ${schema}.products where id = $1`,
    readOrders: `select id, account, product, amount from ${schema}.orders where account = $1 order by id desc limit 5`,
    insertOrder: `insert into ${schema}.orders (id, account, product, amount) values ($1, $2, $3, $4)`,
    addToBalance: (account, amount) => [`update ${schema}.accounts set balance = balance + $2 where id = $1`, [account, amount]],
  }),
  async version(ask) {
    return text(await ask("select split_part(current_setting('server_version'), ' ', 1) as value"), 'value')
  },
  async position(ask) {
    return text(await ask('select pg_current_wal_flush_lsn()::text as value'), 'value')
  },
  async hasReplayed(ask, position) {
    const [row] = await ask('select coalesce(pg_last_wal_replay_lsn() >= $1::pg_lsn, false) as done', [position])
    return row?.['done'] === true
  },
  async activity(ask, schema) {
    const rows = await ask(ACTIVITY, [schema])
    return { reads: number(rows, 'reads'), inserts: number(rows, 'inserts'), changes: number(rows, 'changes') }
  },
  contents,
  async ordersFrom(ask, schema, id) {
    return (await ask(`select id::int from ${schema}.orders where id >= $1`, [id])).map((row) => Number(row['id']))
  },
  synchronous: {
    switchOn: ["alter system set synchronous_standby_names = 'ANY 1 (*)'", 'select pg_reload_conf()'],
    waitingFor: "select count(*)::int as replicas from pg_stat_replication where sync_state = 'quorum'",
  },
}

async function contents(ask: Ask, schema: string): Promise<Awaited<ReturnType<DemoEngine['contents']>>> {
  const rows = await ask(`
    select count(*)::text as rows, count(distinct id)::text as ids, coalesce(sum(id), 0)::text as id_sum,
      (select sum(balance)::text from ${schema}.accounts) as balance, pg_is_in_recovery() as replica
    from ${schema}.orders`)
  return {
    rows: number(rows, 'rows'), distinctIds: number(rows, 'ids'), idSum: number(rows, 'id_sum'),
    balance: number(rows, 'balance'), replica: rows[0]?.['replica'] === true,
  }
}

function text([row]: readonly AskedRow[], column: string): string {
  return String(row?.[column])
}

function number(rows: readonly AskedRow[], column: string): number {
  return Number(text(rows, column))
}
