import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { CountReporter } from './test/support/count-reporter.js'

// A zone half an hour off, with no daylight saving: code that trusts the local zone fails visibly.
process.env['TZ'] = 'Asia/Kolkata'

/** Files that talk to real servers: only they need the cluster that the global set-up starts. */
const WITH_SERVERS = ['test/integration/**/*.test.ts', 'test/conformance/**/*.test.ts', 'test/chaos/**/*.test.ts']

/** Files that need a Docker daemon: `npm run test:containers`, never part of `npm test`. */
const IN_CONTAINERS = ['test/containers/**/*.test.ts']

/** Files that a run without lanes repeats: `npm run test:lanes-off` repeats all of the database's. */
const AGAIN_WITHOUT_LANES = ['limits', 'load', 'routing', 'running', 'stream', 'trouble'].map((name) => `test/integration/database/${name}.test.ts`)

/**
 * Files whose servers are stand-ins, for faults that no real server can be made to show. They are a project of their own so
 * that coverage is counted without them: what counts is real servers, and code that needs none.
 */
const WITH_STAND_INS = readdirSync('test/unit', { recursive: true, encoding: 'utf8' })
  .map((file) => join('test/unit', file))
  .filter((file) => file.endsWith('.test.ts') && /fake-driver|SimulatedWorld|'\.\/support\.js'/.test(readFileSync(file, 'utf8')))

export default defineConfig({
  test: {
    env: { TZ: 'Asia/Kolkata' },
    pool: 'forks',
    maxWorkers: 2,
    reporters: ['default', new CountReporter()],
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      reporter: ['text-summary', 'json-summary', 'lcov'],
    },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...WITH_SERVERS, ...IN_CONTAINERS, ...WITH_STAND_INS],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: { name: 'stand-ins', include: WITH_STAND_INS, testTimeout: 120_000, hookTimeout: 120_000 },
      },
      {
        extends: true,
        test: {
          name: 'servers',
          include: WITH_SERVERS,
          globalSetup: ['test/support/global-setup.ts'],
          setupFiles: ['test/support/lanes.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'servers-without-lanes',
          include: AGAIN_WITHOUT_LANES,
          env: { SLUICE_TEST_LANES: '0' },
          globalSetup: ['test/support/global-setup.ts'],
          setupFiles: ['test/support/lanes.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: { name: 'containers', include: IN_CONTAINERS, fileParallelism: false, testTimeout: 300_000 },
      },
    ],
  },
})
