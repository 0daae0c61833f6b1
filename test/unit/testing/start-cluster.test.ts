import { createServer, type Server } from 'node:net'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { TestClusterError } from '../../../src/testing/errors.js'
import { resolveClusterOptions, type ProviderName } from '../../../src/testing/options.js'
import { installedBinaries } from '../../../src/testing/postgres/binaries.js'
import { whyNoDocker } from '../../../src/testing/docker/daemon.js'
import { aptProvider } from '../../../src/testing/postgres/provider-apt.js'
import { dockerProvider } from '../../../src/testing/postgres/provider-docker.js'
import { embeddedProvider } from '../../../src/testing/postgres/provider-embedded.js'
import { envProvider } from '../../../src/testing/postgres/provider-env.js'
import { localProvider } from '../../../src/testing/postgres/provider-local.js'
import type { Availability, Provider, Rig } from '../../../src/testing/rig.js'
import { startRig } from '../../../src/testing/start-cluster.js'

const plain = resolveClusterOptions({ engine: 'postgres' }, {})
const rig = (provider: ProviderName): Rig => ({ provider } as Rig)
const provider = (name: ProviderName, found: Availability): Provider => ({ name, find: () => Promise.resolve(found) })
const works = (name: ProviderName): Provider => provider(name, { start: () => Promise.resolve(rig(name)) })
const fails = (name: ProviderName): Provider => provider(name, { start: () => Promise.reject(new Error('it broke')) })
const absent = (name: ProviderName): Provider => provider(name, { reason: 'not here', remedy: 'get it' })

afterEach(() => { vi.unstubAllEnvs() })

describe('the choice of a provider', () => {
  test('falls on the first that is there and starts', async () => {
    const said: string[] = []
    const options = { ...plain, onProgress: (message: string) => said.push(message) }
    expect((await startRig([absent('env'), fails('docker'), works('local'), works('embedded')], options)).provider).toBe('local')
    expect(said).toEqual(['provider docker failed: it broke'])
  })

  test('tells one line for each when there is none', async () => {
    await expect(startRig([absent('env'), fails('docker'), absent('local')], plain)).rejects.toThrow([
      'no PostgreSQL for the tests. Tried in this order:', '  env: not here; get it', '  docker: it broke', '  local: not here; get it',
    ].join('\n'))
  })

  test('can be forced, and then no other stands in', async () => {
    const forced = resolveClusterOptions({ engine: 'postgres' }, { SLUICE_TEST_PROVIDER: 'embedded' })
    expect((await startRig([works('local'), works('embedded')], forced)).provider).toBe('embedded')
    await expect(startRig([works('local'), fails('embedded')], forced)).rejects.toThrow('it broke')
    await expect(startRig([works('local'), absent('embedded')], forced)).rejects.toThrow('embedded: not here')
  })

  test('never replaces servers named in the environment that do not answer', async () => {
    await expect(startRig([fails('env'), works('local')], plain)).rejects.toThrow('it broke')
  })
})

describe('the options', () => {
  test.each([
    [{ engine: 'oracle' as 'postgres' }, "engine must be one of 'postgres', 'mariadb', 'mysql', got \"oracle\""],
    [{ engine: 'postgres' as const, replicas: 1.5 }, 'replicas must be a whole number from 0 to 8, got 1.5'],
    [{ engine: 'postgres' as const, version: 'nine' }, 'version must be a PostgreSQL major version from 13 on, got "nine"'],
    [{ engine: 'postgres' as const, provider: 'cloud' as 'local' }, 'provider must be one of env, docker, local, embedded, unpack, apt, got "cloud"'],
    [{ engine: 'postgres' as const, settings: { 'x = 1\ny': '1' } }, 'settings must be server settings by their names'],
    [undefined as never, "its argument must be an object with at least engine: 'postgres', got undefined"],
    [{ engine: 'postgres' as const, replica: 2 }, /option 'replica' must be one of engine, replicas, version, .*, got 2$/],
    [{ engine: 'postgres' as const, tls: { cert: 'c' } as never }, /tls must be true or .* got an object with cert$/],
    [{ engine: 'postgres' as const, tls: 'secret' as never }, /tls must be true or .* got a string$/],
    [{ engine: 'postgres' as const, settings: { max_connections: 40 as never } }, 'settings must be an object of texts, got an object with max_connections'],
    [{ engine: 'postgres' as const, hba: 'local all all trust' as never }, 'hba must be a list of lines, got a string'],
    [{ engine: 'postgres' as const, database: 'a"b' }, 'database must be a name of letters, digits, _ and -'],
  ])('%o are refused with what was expected and what came', (options, message) => {
    expect(() => resolveClusterOptions(options, {})).toThrow(message)
    expect(() => resolveClusterOptions(options, {})).toThrow(TestClusterError)
  })

  test('come from the environment where the caller says nothing', () => {
    const env = { SLUICE_TEST_POSTGRES_VERSION: '15', SLUICE_TEST_PROVIDER: 'local' }
    expect(resolveClusterOptions({ engine: 'postgres' }, env)).toMatchObject({ major: 15, provider: 'local' })
    expect(resolveClusterOptions({ engine: 'postgres', version: '16.2', provider: 'docker' }, env)).toMatchObject({ major: 16, provider: 'docker' })
  })

  test('of one engine come from its own variables, which win over those of all', () => {
    const env = {
      SLUICE_TEST_PROVIDER: 'docker', SLUICE_TEST_MYSQL_PROVIDER: 'unpack', SLUICE_TEST_POSTGRES_IMAGE: 'p:1', SLUICE_TEST_MARIADB_IMAGE: 'm:2', SLUICE_TEST_MARIADB_VERSION: '11',
    }
    expect(resolveClusterOptions({ engine: 'mariadb' }, env)).toMatchObject({ provider: 'docker', image: 'm:2', major: 11 })
    expect(resolveClusterOptions({ engine: 'mysql' }, env)).toMatchObject({ provider: 'unpack', image: undefined, major: undefined })
    expect(resolveClusterOptions({ engine: 'mysql', provider: 'local', image: 'own' }, env)).toMatchObject({ provider: 'local', image: 'own' })
    expect(() => resolveClusterOptions({ engine: 'mysql' }, { SLUICE_TEST_MYSQL_PROVIDER: 'cloud' })).toThrow('SLUICE_TEST_MYSQL_PROVIDER must be one of env, ')
  })
})

describe('the provider env', () => {
  test('is absent without its variable, and refuses what servers that run already cannot do', async () => {
    vi.stubEnv('SLUICE_TEST_POSTGRES_URL', '')
    expect(await envProvider.find(plain)).toMatchObject({ reason: 'SLUICE_TEST_POSTGRES_URL is not set' })
    vi.stubEnv('SLUICE_TEST_POSTGRES_URL', 'postgres://localhost/x')
    vi.stubEnv('SLUICE_TEST_POSTGRES_REPLICA_URLS', 'postgres://localhost:2/x')
    await expect(envProvider.find({ ...plain, replicas: 2 })).rejects.toThrow('2 replicas were asked for, SLUICE_TEST_POSTGRES_REPLICA_URLS names 1')
    await expect(envProvider.find({ ...plain, tls: true, settings: { jit: 'off' } })).rejects.toThrow('tls, settings cannot be applied')
    expect(await envProvider.find({ ...plain, replicas: 1 })).toHaveProperty('start')
    vi.stubEnv('SLUICE_TEST_POSTGRES_URL', '')
    await expect(envProvider.find(plain)).rejects.toThrow('SLUICE_TEST_POSTGRES_REPLICA_URLS is set, but SLUICE_TEST_POSTGRES_URL is not')
  })

  test('lets no other stand in when its servers do not fit, unless another was asked for', async () => {
    vi.stubEnv('SLUICE_TEST_POSTGRES_URL', 'postgres://localhost/x')
    await expect(startRig([envProvider, works('local')], { ...plain, replicas: 1 })).rejects.toThrow(/names cannot be used: 1 replicas? /)
    expect((await startRig([envProvider, works('local')], { ...plain, replicas: 1, provider: 'local' })).provider).toBe('local')
  })
})

describe('the providers that look around', () => {
  test('local: PG_BIN is the only place when it is set', async () => {
    vi.stubEnv('PG_BIN', tmpdir())
    expect(await localProvider.find(plain)).toMatchObject({ reason: expect.stringContaining('no initdb and postgres') as string })
  })

  test('local: every folder of the PATH that holds the server programs is looked at, with and without pg_config', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-unit-'))
    try {
      await writeFile(join(folder, 'postgres'), '#!/bin/sh\necho "postgres (PostgreSQL) 98.1"\n', { mode: 0o755 })
      await writeFile(join(folder, 'initdb'), '#!/bin/sh\n', { mode: 0o755 })
      vi.stubEnv('PATH', ['relative', tmpdir(), folder, process.env['PATH']].join(':'))
      expect(await installedBinaries()).toContainEqual({ folder, major: 98, env: {} })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  test('embedded: another major version than the package has is refused', async () => {
    expect(await embeddedProvider.find({ ...plain, major: 99 })).toMatchObject({ reason: expect.stringMatching(/^PostgreSQL 99 was asked for/) as string })
    expect(await embeddedProvider.find(plain)).toHaveProperty('start')
  })

  test('apt: only root may install', async () => {
    vi.spyOn(process, 'getuid').mockReturnValue(1_000)
    expect(await aptProvider.find(plain)).toHaveProperty('reason')
    vi.restoreAllMocks()
  })

  test('docker: tls is refused', async () => {
    expect(await dockerProvider.find({ ...plain, tls: true })).toMatchObject({ reason: 'tls is not supported by this provider' })
  })
})

describe('the search for a Docker daemon', () => {
  const servers: Server[] = []
  afterEach(() => { for (const server of servers.splice(0)) server.close() })

  async function socketAt(path: string, answer: string): Promise<void> {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      if (answer) socket.once('data', () => socket.end(answer))
    })
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(path, resolve))
  }

  test('finds one that answers, and does not wait for one that only listens', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-unit-'))
    try {
      await socketAt(join(folder, 'good'), 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nOK')
      await socketAt(join(folder, 'mute'), '')
      vi.stubEnv('DOCKER_HOST', `unix://${folder}/good`)
      expect(await whyNoDocker()).toBeUndefined()
      vi.stubEnv('DOCKER_HOST', `unix://${folder}/mute`)
      const startedAt = performance.now()
      expect(await whyNoDocker()).toBe('no daemon answers at DOCKER_HOST')
      expect(performance.now() - startedAt).toBeLessThan(2_000)
      vi.stubEnv('DOCKER_HOST', 'tcp://127.0.0.1:1')
      expect(await whyNoDocker()).toBe('no daemon answers at DOCKER_HOST')
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
