import { asError } from '../core/deadline.js'
import { errorFromFacts } from '../core/explain.js'
import type { Assembly } from './assemble.js'
import { connectSettings } from './connect-settings.js'

/**
 * Starts an engine that lives in this process, before anything waits for a connection to it.
 *
 * @throws {@link ConnectionError} its folder cannot be used, or another process has it
 */
export async function startEngine({ driver, options }: Assembly): Promise<void> {
  const { primary } = options
  try {
    await driver.start?.(connectSettings(primary, 'primary', options))
  } catch (cause) {
    throw errorFromFacts(driver.dialect.describeError(cause), asError(cause), { node: primary.name, neverSent: true })
  }
}
