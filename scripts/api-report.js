// The public API as reviewed text: one report in etc/ per entry point of package.json. Fails when the built types differ
// from the report; `--update` (npm run api:update) writes it. Needs dist/.
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor'

const manifest = JSON.parse(readFileSync('package.json', 'utf8'))
const update = process.argv.includes('--update')

/** `.` -> `sluice`, `./testing` -> `sluice-testing`. */
const reportName = (subpath) => `${manifest.name}${subpath.slice(1).replaceAll('/', '-')}`

function configFor(subpath, types) {
  return ExtractorConfig.prepare({
    configObject: {
      projectFolder: resolve('.'),
      mainEntryPointFilePath: resolve(types),
      newlineKind: 'lf',
      compiler: {
        // Only settings its bundled compiler knows; the real type check is tsc's.
        overrideTsconfig: {
          compilerOptions: { target: 'ES2022', lib: ['ES2023', 'ESNext.Disposable'], module: 'NodeNext', moduleResolution: 'NodeNext', types: ['node'], strict: true, skipLibCheck: true },
          files: [resolve(types)],
        },
      },
      apiReport: { enabled: true, reportFileName: `${reportName(subpath)}.api.md`, reportFolder: resolve('etc'), reportTempFolder: resolve('temp/api') },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: 'warning' } },
        extractorMessageReporting: {
          'default': { logLevel: 'warning', addToApiReportFile: true },
          // Release tags are not used: what the entry exports is public, what it does not is not.
          'ae-missing-release-tag': { logLevel: 'none' },
          // typedoc checks links, and that what a signature names is public, over all entry points together.
          'ae-forgotten-export': { logLevel: 'none' },
          'ae-unresolved-link': { logLevel: 'none' },
        },
        tsdocMessageReporting: { default: { logLevel: 'none' } },
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: resolve('package.json'),
  })
}

let failed = false
mkdirSync('etc', { recursive: true })
for (const [subpath, target] of Object.entries(manifest.exports)) {
  if (typeof target === 'string') continue
  if (!existsSync(target.types)) {
    console.error(`${target.types} is missing: run npm run build`)
    failed = true
    continue
  }
  const result = Extractor.invoke(configFor(subpath, target.types), {
    localBuild: update,
    messageCallback: (message) => {
      const told = message.logLevel === ExtractorLogLevel.Error || message.logLevel === ExtractorLogLevel.Warning
      if (!told) message.handled = true
    },
  })
  if (result.apiReportChanged && !update) {
    console.error(`etc/${reportName(subpath)}.api.md differs from the built types: review the change, then npm run api:update`)
  }
  if (!result.succeeded) failed = true
}
process.exitCode = failed ? 1 : 0
