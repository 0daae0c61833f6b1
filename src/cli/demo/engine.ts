import type { ClusterEngine } from '../../testing/options.js'

/** One row as the server's client hands it over. */
export type AskedRow = Readonly<Record<string, unknown>>

/** Asks one server, and no other, on a connection of its own that is closed afterwards. */
export type Ask = (sql: string, values?: readonly unknown[]) => Promise<readonly AskedRow[]>

/** Texts of the load. */
export interface LoadStatements {
  /** `$1` product; one row with its `id`. */
  readonly readProduct: string
  /** `$1` account; its latest orders, each with its `account`. */
  readonly readOrders: string
  /** Order id, account, product, amount. Nothing in the schema would refuse a second one of the same id. */
  readonly insertOrder: string
  /** A text and its parameters. */
  addToBalance(account: number, amount: number): readonly [text: string, params: readonly number[]]
}

/** What a server counted by itself on the demo's tables, since they were made or since its last crash. */
export interface Activity {
  /** Scans of the tables that only reads look into: one for each read of the load. */
  readonly reads: number
  /** Rows inserted into `orders`. */
  readonly inserts: number
  /** Rows inserted, updated or deleted in any of the tables by statements run there (what a replica replays does not count). */
  readonly changes: number
}

/** What a server holds. */
export interface Contents {
  readonly rows: number
  readonly distinctIds: number
  readonly idSum: number
  readonly balance: number
  /** The server says of itself that it is a replica. */
  readonly replica: boolean
}

/** Where an engine inside this process keeps its database. */
export interface EmbeddedPlace {
  readonly url: string
  /** Reads go to read-only connections of the same file. */
  readonly readers: boolean
}

/** How commits are made to wait for replicas. For the superuser. */
export interface Synchronous {
  /** On every server: a commit waits until one replica has it. */
  readonly switchOn: readonly string[]
  /** On the primary; one row with `replicas`, how many can be waited for. */
  readonly waitingFor: string
}

/** What the demo needs to know of an engine: its SQL, as data and questions. */
export interface DemoEngine {
  /** The engine's name for people. */
  readonly label: string
  /** Its servers; or, of one that lives in this process, the URLs of its database in a folder. */
  readonly place: { readonly cluster: ClusterEngine } | { readonly embedded: (folder: string) => EmbeddedPlace }
  /** Services of the example and their folders, for a database of the demo's own; left out where the engine is not the example's. */
  readonly example?: Readonly<Record<string, string>> | undefined
  /** Makes schema, tables and their first rows. */
  setUp(schema: string): readonly string[]
  tearDown(schema: string): readonly string[]
  statements(schema: string): LoadStatements
  version(ask: Ask): Promise<string>
  /** Where the primary's log stands. */
  position(ask: Ask): Promise<string>
  /** Whether a replica has replayed the log up to there. */
  hasReplayed(ask: Ask, position: string): Promise<boolean>
  /** Left out where the engine counts nothing by table. */
  readonly activity?: ((ask: Ask, schema: string) => Promise<Activity>) | undefined
  contents(ask: Ask, schema: string): Promise<Contents>
  /** Ids of orders from this one on, each as often as it is there. */
  ordersFrom(ask: Ask, schema: string, id: number): Promise<readonly number[]>
  /** Left out where the demo does not replace the primary. */
  readonly synchronous?: Synchronous | undefined
}

/** Rows the demo's tables begin with. */
export const PRODUCTS = 1_000
export const ACCOUNTS = 1_000
export const FIRST_BALANCE = 100
