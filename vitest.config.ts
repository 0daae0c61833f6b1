import { defineConfig } from 'vitest/config'
import { CountReporter } from './test/support/count-reporter.js'

// A zone half an hour off, with no daylight saving: code that trusts the local zone fails visibly.
process.env['TZ'] = 'Asia/Kolkata'

/** Files that talk to real servers: only they need the cluster that the global set-up starts. */
const WITH_SERVERS = ['test/integration/**/*.test.ts', 'test/conformance/**/*.test.ts', 'test/chaos/**/*.test.ts']

/** Files that need a Docker daemon: `npm run test:containers`, never part of `npm test`. */
const IN_CONTAINERS = ['test/containers/**/*.test.ts']

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
          exclude: [...WITH_SERVERS, ...IN_CONTAINERS],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'servers',
          include: WITH_SERVERS,
          globalSetup: ['test/support/global-setup.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: { name: 'containers', include: IN_CONTAINERS, fileParallelism: false, testTimeout: 300_000 },
      },
    ],
  },
})
