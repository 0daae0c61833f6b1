import { parse } from 'libpg-query'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Quoting } from '../../../src/core/lexicon.js'
import { postgresLexicon } from '../../../src/drivers/postgres/lexicon.js'
import { split, type SplitLexicon } from '../../../src/sql/split.js'
import { ownPrograms } from '../../support/own-servers.js'

const mysqlQuoting: Quoting = {
  dollarQuotes: false, escapeStrings: false, unicodeEscapes: false, backslashes: 'escape', doubleQuotes: 'string', backticks: true,
  brackets: false, nestedComments: false, hashComments: true, dashesNeedSpace: true, returnEndsComment: false,
  digitNames: true, executableComments: true, variables: true,
}
const MYSQL: SplitLexicon = { quoting: mysqlQuoting, atomicBodies: false, compoundBodies: true }

const texts = (sql: string, lexicon: SplitLexicon): string[] => split(sql, lexicon).statements.map(({ text }) => text)

describe('M17: the splitter agrees with PostgreSQL\'s own parser', () => {
  /** First and last byte of every statement, without white space, comments and semicolon. */
  async function byParser(text: string): Promise<string[] | undefined> {
    const bytes = Buffer.from(text)
    try {
      const { stmts = [] } = await parse(text) as { stmts?: { stmt_location?: number; stmt_len?: number }[] }
      return stmts.map(({ stmt_location: at = 0, stmt_len: length }) => trimmed(bytes.subarray(at, length ? at + length : undefined).toString()))
    } catch {
      return undefined
    }
  }

  /** The parser's ranges begin right after the last semicolon: what is no statement yet is taken off by a scan of its own. */
  function trimmed(text: string): string {
    let rest = text
    for (;;) {
      const before = rest
      rest = rest.replace(/^\s+/, '').replace(/^--[^\n]*(\n|$)/, '')
      if (rest.startsWith('/*')) {
        let [depth, at] = [1, 2]
        for (; depth > 0 && at < rest.length; at++) {
          if (rest.startsWith('/*', at)) { depth++; at++ } else if (rest.startsWith('*/', at)) { depth--; at++ }
        }
        rest = rest.slice(at)
      }
      if (rest === before) return rest.trimEnd().replace(/;$/, '').trimEnd()
    }
  }

  async function agrees(text: string): Promise<boolean> {
    const expected = await byParser(text)
    if (expected === undefined) return false
    const { statements, problem } = split(text, postgresLexicon)
    expect(problem).toBeUndefined()
    expect(statements.map((statement) => statement.text)).toEqual(expected)
    return true
  }

  function sqlFiles(folder: string): string[] {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.sql')).map((entry) => join(entry.parentPath, entry.name))
  }

  it('on every SQL file that comes with the server and its extensions', async () => {
    const { folder } = await ownPrograms()
    const share = [join(folder, '../share/postgresql'), join(folder, '../share'), folder.replace('/lib/', '/share/').replace(/\/bin$/, '')]
      .find((candidate) => existsSync(join(candidate, 'extension')))
    expect(share, `the server's share folder beside ${folder}`).toBeDefined()
    let [compared, statements] = [0, 0]
    for (const file of sqlFiles(share!)) {
      // psql's own commands and variables are no SQL: its lines are taken out as psql does, before the server sees any.
      const text = readFileSync(file, 'utf8').replace(/^\\.*$/gm, '').replaceAll('@extschema@', 'public').replaceAll('@database_owner@', 'x')
      if (!await agrees(text)) continue
      compared++
      statements += split(text, postgresLexicon).statements.length
    }
    expect(compared).toBeGreaterThan(80)
    expect(statements).toBeGreaterThan(2_000)
  }, 120_000)

  it('on the corpus of the awkward: 400 scripts made of it in random order', async () => {
    const pieces = readFileSync(new URL('../../fixtures/split/postgres.sql', import.meta.url), 'utf8').split(/^-- =+$/m).map((piece) => piece.trim()).filter(Boolean)
    expect(pieces.length).toBeGreaterThan(40)
    for (const piece of pieces) expect(await agrees(piece), piece).toBe(true)
    let seed = 7
    const next = (below: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % below
    for (let round = 0; round < 400; round++) {
      const script = Array.from({ length: 1 + next(8) }, () => pieces[next(pieces.length)]!.replace(/;\s*$/, '')).join(next(2) ? ';\n' : ' ; -- end; of\n\n;')
      expect(await agrees(script), script).toBe(true)
    }
  }, 180_000)
})

describe('scripts of PostgreSQL', () => {
  it('are told apart by their first words, comments before them left out', () => {
    const { statements } = split('-- a;\ncreate /* x; */ index concurrently i on t (a);\n\n drop table t ;;; ', postgresLexicon)
    expect(statements.map(({ head, text, start, end }) => [head.slice(0, 3), text, start, end])).toEqual([
      [['create', 'index', 'concurrently'], 'create /* x; */ index concurrently i on t (a)', 6, 51],
      [['drop', 'table', 't'], 'drop table t', 55, 68],
    ])
  })

  it.each(["select 'a", 'select "a', '/* open', 'select $x$ a $y$', 'create function f() returns int begin atomic select 1;'])(
    'say so when something is not closed: %s', (text) => { expect(split(text, postgresLexicon).problem).toMatch(/not closed|does not end/) },
  )
})

describe('scripts of MySQL and MariaDB', () => {
  it('obey DELIMITER, at every place and with every delimiter', () => {
    expect(texts('select 1;\nDELIMITER //\ncreate procedure p() begin select 1; select 2; end//\ndelimiter ;\nselect 3', MYSQL))
      .toEqual(['select 1', 'create procedure p() begin select 1; select 2; end', 'select 3'])
    expect(texts("DELIMITER $$\nselect '$$', `$$` -- $$\n, 1 $$ select 2$$\nDELIMITER ;\nselect 4;", MYSQL))
      .toEqual(["select '$$', `$$` -- $$\n, 1", 'select 2', 'select 4'])
    expect(texts('DELIMITER $$\ncreate procedure p() begin select a$b; end$$\nselect c$$\nDELIMITER ;\nselect 4;', MYSQL))
      .toEqual(['create procedure p() begin select a$b; end', 'select c', 'select 4'])
    expect(texts('delimiter ;;\ncreate trigger t before insert on a for each row begin set @x = 1; end;;\ndelimiter ;\nselect 1;', MYSQL))
      .toEqual(['create trigger t before insert on a for each row begin set @x = 1; end', 'select 1'])
  })

  it('need no DELIMITER: bodies are known', () => {
    const bodies = [
      'create procedure p() begin if a then select 1; elseif b then select 2; else select 3; end if; end',
      'create definer=`r`@`%` function f(a int) returns int deterministic begin declare x int; set x = if(a > 1, 2, 3); return case when x then 1 else 2 end; end',
      'create procedure p() begin while x < 3 do set x = x + 1; end while; repeat set x = repeat(x, 2); until x end repeat; l: loop leave l; end loop l; end',
      'create procedure p() begin case x when 1 then select 1; else begin end; end case; end',
      'create trigger t after insert on a for each row if new.x then insert into b values (1); end if',
      'create procedure p() if (1) then select 1; end if',
      'create procedure p() begin declare continue handler for not found begin set @a = 1; end; declare c cursor for select 1; open c; end',
      'begin not atomic declare x int default 1; if x then select 1; end if; end',
      'create or replace procedure p() begin for i in 1..3 do select i; end for; end',
      'create event e on schedule every 1 day do begin delete from t; delete from u; end',
      'create trigger if not exists t before update on a for each row begin set new.x = 1; end',
    ]
    for (const body of bodies) expect(texts(`${body};\nselect 'after';`, MYSQL), body).toEqual([body, "select 'after'"])
  })

  it('keep executable comments whole, and know all comments and quotes', () => {
    expect(texts('/*!40101 SET NAMES utf8 */;\nselect 1 /*! + 1; */ + 2;\n/*!50003 create trigger t before insert on a for each row begin set @x = 1; end */;select 2', MYSQL))
      .toEqual(['/*!40101 SET NAMES utf8 */', 'select 1 /*! + 1; */ + 2', '/*!50003 create trigger t before insert on a for each row begin set @x = 1; end */', 'select 2'])
    expect(texts("select 'it\\'s;', \"a;\\\"\", `b;``;`; # c;\nselect 1--2;-- d;\nselect 5 --\n;/* e; */", MYSQL))
      .toEqual(["select 'it\\'s;', \"a;\\\"\", `b;``;`", 'select 1--2', 'select 5 --'])
    expect(texts('insert into t values ("say \\"; fine"); select 1', MYSQL)).toEqual(['insert into t values ("say \\"; fine")', 'select 1'])
    expect(texts('/*M!100100 select 1 */; create table begin_end (`begin` int, `end` int); create view v as select case when 1 then 2 end; select 9', MYSQL))
      .toHaveLength(4)
  })
})
