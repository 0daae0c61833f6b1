import { SluiceError, type SluiceErrorOptions } from '../core/errors.js'

/** A test cluster could not be started or steered. The message says what was tried and what to do. */
export class TestClusterError extends SluiceError {
  constructor(message: string, options: SluiceErrorOptions = {}) { super('SLUICE_TEST_CLUSTER', message, options) }
}
