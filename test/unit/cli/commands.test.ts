import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../../../src/cli/commands.js'
import { capture } from './capture.js'

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }

describe('the command line', () => {
  it.each(['--version', '-v', '-V', 'version'])('prints the version alone for %s', async (flag) => {
    expect(await capture([flag])).toEqual({ exitCode: 0, out: `${version}\n`, err: '' })
  })

  it.each([[[]], [['help']], [['--help']], [['-h']]])('lists every command for %j', async (argv) => {
    const { exitCode, out, err } = await capture(argv)
    for (const { usage, summary } of COMMANDS) {
      expect(out).toContain(usage)
      expect(out).toContain(summary)
    }
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' })
  })

  it.each([[['help', 'demo']], [['demo', '--help']], [['demo', '--plain', '-h']]])('shows what a command takes for %j', async (argv) => {
    const { exitCode, out } = await capture(argv)
    for (const flag of ['--seconds <n>', '--replicas <n>', '--engine <name>', '--plain', '--json']) expect(out).toContain(flag)
    expect(exitCode).toBe(0)
  })

  it.each([
    [['demmo'], "unknown command 'demmo'", "did you mean 'sluice demo'?"],
    [['explain'], "unknown command 'explain'", "'sluice help' lists the commands"],
    [['--plain'], "unknown option '--plain'", "'sluice help' lists the commands"],
    [['help', 'confg'], "unknown command 'confg'", "did you mean 'sluice config'?"],
    [['demo', '--secnds', '3'], "Unknown option '--secnds'", "'sluice help demo' shows what it takes"],
    [['demo', 'now'], 'Unused args: \'now\'', "'sluice help demo' shows what it takes"],
    [['demo', '--seconds'], "option '--seconds <n>' value is missing", "'sluice help demo' shows what it takes"],
    [['demo', '--seconds', 'ten'], '--seconds: expected a whole number from 1 to 3600, got "ten"', undefined],
    [['demo', '--seconds', '0'], '--seconds: expected a whole number from 1 to 3600, got 0', undefined],
    [['demo', '--replicas', '9'], '--replicas: expected a whole number from 0 to 8, got 9', undefined],
    [['demo', '--engine', 'postgre'], "--engine: expected one of postgres, postgresql, mariadb, mysql, sqlite, pglite, got 'postgre'", "did you mean 'postgres'?"],
    [['demo', '--engine', 'constructor'], "--engine: expected one of postgres, postgresql, mariadb, mysql, sqlite, pglite, got 'constructor'", undefined],
    [['backup'], "missing required args for command 'backup <action> [what]'", "'sluice help backup' shows what it takes"],
    [['backup', 'make'], "backup: expected one of create, list, show, verify, restore, promote, cleanup, health and schedule, got 'make'", undefined],
    [['backup', 'restore'], "backup restore: the id of a backup ('latest') or the path of a dump is missing", undefined],
    [['backup', 'list', 'all'], "backup list: expected no 'all'", undefined],
    [['backup', 'list', '--dry-run'], 'backup list: --dry-run belongs to another action', undefined],
    [['backup', 'create', '--no-owner'], 'backup create: --no-owner belongs to another action', undefined],
    [['backup', 'list', '--identity-file', '/nowhere/key'], '--identity-file: ENOENT', undefined],
    [['explain-route'], "missing required args for command 'explain-route <sql>'", "'sluice help explain-route' shows what it takes"],
    [['explain-route', 'select 1', '--engine', 'oracle'], "--engine: unknown engine 'oracle:'", undefined],
  ])('refuses %j with exit code 2 and says what is wrong', async (argv, message, hint) => {
    const { exitCode, out, err } = await capture(argv)
    expect(err).toContain(`error: ${message}`)
    if (hint !== undefined) expect(err).toContain(`hint: ${hint}`)
    expect({ exitCode, out }).toEqual({ exitCode: 2, out: '' })
  })
})

describe('sluice backup', () => {
  it.each([
    [['verify', 'latest', '--level', '4'], '--level: expected a whole number from 0 to 3, got 4'],
    [['create', '--format', 'tar'], "--format: expected one of custom, directory and plain, got 'tar'"],
    [['list', '--database', 'shop'], "--database names one of a file's databases: give --config, too"],
  ])('refuses %j before it asks the server', async (argv, message) => {
    const { exitCode, err } = await capture(['backup', ...argv], { DATABASE_URL: 'postgres://app@db.invalid/shop' })
    expect(err).toContain(`error: ${message}`)
    expect(exitCode).toBe(2)
  })
})

describe('sluice explain-route', () => {
  it('says class, role, route and why as a table', async () => {
    const { exitCode, out } = await capture(['explain-route', 'select * from users where id = 1'])
    expect(out).toMatch(/^CLASS +ROLE +ROUTE +WHY\nread +replica +read +\S.*\n$/)
    expect(exitCode).toBe(0)
  })

  it('says the same as JSON', async () => {
    const { out } = await capture(['explain-route', "select nextval('ids')", '--json', '--engine', 'postgres'])
    expect(JSON.parse(out)).toMatchObject({ class: 'write', role: 'primary', route: 'write', why: expect.stringContaining('nextval') as string })
  })

  it('takes a text that looks like a number for SQL', async () => {
    expect((await capture(['explain-route', '1'])).exitCode).toBe(0)
  })
})

describe('sluice config', () => {
  const env = { DATABASE_URL: 'postgres://app:s3cr3t@db1/shop', DATABASE_REPLICA_URLS: 'postgres://app:0ther@db2/shop', DB_MAX_OPEN_CONNS: '7' }

  it('prints the environment\'s configuration with its defaults, and no password', async () => {
    const { exitCode, out, err } = await capture(['config'], env)
    expect(out).toMatch(/^primary\.name +db1:5432$/m)
    expect(out).toMatch(/^primary\.target\.password +\*\*\*$/m)
    expect(out).toMatch(/^replicas\.0\.name +db2:5432$/m)
    expect(out).toMatch(/^pool\.max +7$/m)
    expect(out + err).not.toMatch(/s3cr3t|0ther/)
    expect(exitCode).toBe(0)
  })

  it('prints JSON, and no password there either', async () => {
    const { out } = await capture(['config', '--json'], env)
    expect(JSON.parse(out)).toMatchObject({ primary: { target: { password: '***', database: 'shop' } }, pool: { max: 7, acquireTimeoutMs: 5_000 } })
    expect(out).not.toMatch(/s3cr3t|0ther/)
  })

  it('reads a file', async () => {
    const { exitCode, out } = await capture(['config', 'test/fixtures/configs/environment.env'])
    expect(out).toMatch(/^primary\.target\.hosts\.0\.host +\S+$/m)
    expect(exitCode).toBe(0)
  })

  it('asks which database is meant when a file describes several', async () => {
    const { exitCode, err } = await capture(['config', 'test/fixtures/configs/manager.json', '--database', 'nobody'])
    expect(err).toContain("the file has no database 'nobody'")
    expect(err).toMatch(/hint: choose with --database: \w+/)
    expect(exitCode).toBe(2)
  })

  it('fails with the message of a configuration that is wrong', async () => {
    const { exitCode, out, err } = await capture(['config'])
    expect(err).toContain('DATABASE_URL')
    expect({ exitCode, out }).toEqual({ exitCode: 1, out: '' })
  })
})
