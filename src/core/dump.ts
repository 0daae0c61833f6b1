import type { Probe } from './dialect.js'
import type { Statement } from './statement.js'
import type { ConnectionTarget, HostPort } from './target.js'

/** `custom`: one compressed archive; `directory`: one file per table, dumped and restored in parallel; `plain`: SQL text. */
export type DumpFormat = 'custom' | 'directory' | 'plain'

/** What a dump holds; a table is written `schema.name`, quoted by the engine's dialect where it goes onto a command line. */
export interface DumpSelection {
  readonly schemaOnly: boolean
  readonly dataOnly: boolean
  /** Only these; undefined = all. */
  readonly tables: readonly TableName[] | undefined
  readonly excludeTables: readonly TableName[]
}

/** A table in its schema. */
export interface TableName {
  readonly schema: string
  readonly name: string
}

/** What a program is asked to dump. */
export interface DumpCall {
  readonly format: DumpFormat
  readonly compression: boolean
  /** Processes at work, for `directory`. */
  readonly jobs: number
  /** Folder to make, for `directory`; the others write to stdout. */
  readonly folder: string | undefined
  /** Name of the exported snapshot to read in. */
  readonly snapshot: string | undefined
  readonly selection: DumpSelection
  readonly database: string
  readonly toolVersion: number
}

/** What a program is asked to restore. */
export interface RestoreCall {
  readonly format: DumpFormat
  readonly jobs: number
  /** Folder to read, for `directory`; the others read stdin. */
  readonly folder: string | undefined
  /** undefined: read it all, and only that (writes SQL text to nowhere). */
  readonly database: string | undefined
  readonly noOwner: boolean
  readonly noPrivileges: boolean
}

/** Login of a program: environment and files, so that no password ever stands among arguments. */
export interface ProgramLogin {
  readonly env: Readonly<Record<string, string>>
  /** Arguments that come before all others. */
  readonly args: readonly string[]
  /** Files to write, by name, into the private folder that was given. */
  readonly files: Readonly<Record<string, string>>
}

/** Whom and where a program logs in. */
export interface LoginTarget {
  readonly target: ConnectionTarget
  /** The very server a session has reached; undefined = any of the target's hosts. */
  readonly address: HostPort | undefined
  readonly password: string | undefined
  readonly database: string
  /** Trusted when the target names no authority of its own: PEM text. */
  readonly trusted: string
  /** Private folder the files will be in. */
  readonly folder: string
}

/** Programs of an engine, by what they are for. */
export type ToolName = 'dump' | 'restore' | 'script' | 'globals' | 'base' | 'waldump'

/** One table in a snapshot. */
export interface DumpedTable extends TableName {
  readonly rows: number
  /** Order-independent hash of all rows; undefined when the table was too large to be hashed. */
  readonly hash: string | undefined
}

/** What a database looked like in a snapshot. */
export interface DatabaseFacts {
  readonly encoding: string | undefined
  readonly extensions: readonly string[]
  /** Roles that own or were granted something. */
  readonly roles: readonly string[]
  /** Bytes on disk. */
  readonly bytes: number
  /** Log position of the snapshot. */
  readonly position: string | undefined
}

/** Questions about a database, in SQL; all are asked in the dump's own snapshot. */
export interface SnapshotQuestions {
  /** Statements that open the transaction the snapshot lives in. */
  readonly open: readonly Statement[]
  /** Exports the snapshot; undefined where the engine cannot. */
  readonly exported: Probe<string> | undefined
  readonly facts: Probe<DatabaseFacts>
  readonly tables: Probe<readonly (TableName & { readonly bytes: number })[]>
  /** Rows of one table, and a hash of them. */
  count(table: TableName, withHash: boolean): Probe<{ readonly rows: number; readonly hash: string | undefined }>
  /** Next values of sequences, by name; they are not bound to snapshots, so this is a lower bound. */
  readonly sequences: Probe<Readonly<Record<string, string>>> | undefined
}

/** Databases of a server as things to make, look at and rename. Statements run in a session to {@link DatabaseSteps.maintenance}. */
export interface DatabaseSteps {
  readonly maintenance: string
  exists(name: string): Probe<boolean>
  create(name: string, encoding: string | undefined): Statement
  /** Fails while somebody is connected to it. */
  drop(name: string): Statement
  /** Ends all sessions in these databases but the asking one. */
  endSessions: ((names: readonly string[]) => Statement) | undefined
  /** Changes names at once: `from` becomes `to`, and `to`, when `aside` is given, becomes `aside`. */
  swap: ((from: string, to: string, aside: string | undefined) => readonly Statement[]) | undefined
  /** Whether the database the session is in holds anything of a user's own. */
  readonly isEmpty: Probe<boolean>
  /** Of these, the ones the server does not have. */
  missingRoles: ((names: readonly string[]) => Probe<readonly string[]>) | undefined
  missingExtensions: ((names: readonly string[]) => Probe<readonly string[]>) | undefined
  /** Statement that gathers statistics after a restore. */
  readonly analyze: string | undefined
  /** A lock of the server, held by the session until it ends; false: another session holds it. */
  lock: ((name: string) => Probe<boolean>) | undefined
}

/** What makes a plain dump of a schema a script of its own. */
export interface SchemaScript {
  /** Arguments beside those of a plain dump: no owners, rows as INSERT. */
  readonly args: readonly string[]
  /** Lines that only the engine's own program understands. */
  readonly foreign: RegExp
  /** Statements, by their text, that say nothing about the database. */
  readonly noise: RegExp
  /** What of a statement is for the dump's own order of work only. */
  readonly rewrites: readonly (readonly [found: RegExp, instead: string])[]
  /** What must hold while it runs, and ends with the transaction. */
  readonly before: readonly string[]
  /** Statements, by their first words, whose effect a dump of one database does not hold. */
  readonly beyond: RegExp
}

/** How databases of an engine are dumped and restored: data and pure functions; `backup/` runs the programs. */
export interface DumpTools {
  readonly formats: readonly DumpFormat[]
  /** Names each program goes by, the preferred one first. */
  readonly programs: Readonly<Partial<Record<ToolName, readonly string[]>>>
  /** Folders in which packages put `<prefix><version>/bin`. */
  readonly homes: readonly { readonly parent: string; readonly prefix: string }[]
  /** Reads what `--version` says: a number comparable with the server's, `150018`; undefined = not that program. */
  versionOf(said: string): number | undefined
  /** Whether a program of that version can serve a server of that version number. */
  suits(tool: number, serverVersion: number): boolean
  /** Version as people say it: 180004 -> `18`. */
  shownVersion(serverVersion: number): string
  /** Debian's package that has the programs. */
  packageFor(serverVersion: number): string
  login(target: LoginTarget): ProgramLogin
  dump(call: DumpCall): readonly string[]
  restore: ((call: RestoreCall) => readonly string[]) | undefined
  /** Runs SQL text from stdin in one transaction, ending at the first error. */
  script(call: { readonly database: string; readonly tolerant: boolean }): readonly string[]
  /** Roles and tablespaces as SQL text. */
  globals: ((call: { readonly withPasswords: boolean }) => readonly string[]) | undefined
  /** The last line of SQL text that was written to its end. */
  readonly trailer: RegExp
  /** How a dump of a schema becomes SQL that any session may run, in a transaction; undefined where that is not to be had. */
  readonly schemaScript: SchemaScript | undefined
  /**
   * Lines that keep the program that runs SQL text from obeying commands of its own inside it; undefined when this version
   * cannot be kept from it. Engines whose program has no such commands have no `guard`.
   */
  readonly guard: ((tool: number, token: string) => { readonly before: string; readonly after: string } | undefined) | undefined
  readonly snapshot: SnapshotQuestions
  readonly databases: DatabaseSteps
}
