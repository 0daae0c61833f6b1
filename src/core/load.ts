import { ConfigError } from './errors.js'

/**
 * Imports an npm package on first use. A package that is not installed becomes a {@link ConfigError} that says what
 * wanted it and how to get it; every other failure is passed on.
 */
export async function load<Module>(name: string, importer: () => Promise<Module>, wantedBy: string): Promise<Module> {
  try {
    return await importer()
  } catch (cause) {
    const code = (cause as { code?: unknown } | null)?.code
    const missing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND'
    if (!missing || !String(cause).includes(name)) throw cause
    throw new ConfigError(`${wantedBy} needs the npm package '${name}', which is not installed`, {
      cause, hint: `run: npm install ${name}`,
    })
  }
}
