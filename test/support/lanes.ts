import { DEFAULTS } from '../../src/config/defaults.js'

// SLUICE_TEST_LANES=0 runs the tests against servers without lanes (`npm run test:lanes-off`), a number with as many.
const given = process.env['SLUICE_TEST_LANES']
if (given !== undefined) {
  const lanes = Number(given)
  if (!Number.isSafeInteger(lanes) || lanes < 0) throw new Error(`SLUICE_TEST_LANES: expected a whole number of at least 0, got '${given}'`)
  Object.assign(DEFAULTS.pool, { lanes })
}
