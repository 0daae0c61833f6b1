import type { Entry } from './catalog.js'
import { loginFor, toolFor, type BackupParts } from './parts.js'
import { inPrivateFolder } from './private-folder.js'
import { runProgram } from './process.js'
import { Progress } from './progress.js'
import type { Session } from './session.js'
import { readEntryObject } from './source.js'

/**
 * Makes the roles that are missing on this server, as the backup's globals have them. Statements about roles that are
 * there, the superuser among them, are left out: their passwords and rights stay as they are.
 */
export async function makeMissingRoles(
  parts: BackupParts, session: Session, entry: Entry, missing: readonly string[], signal: AbortSignal | undefined,
): Promise<void> {
  const object = entry.manifest.objects.find(({ kind }) => kind === 'globals')
  if (!object || missing.length === 0) return
  let text = ''
  await readEntryObject(parts, entry, object, async (body) => {
    for await (const part of body) text += part.toString('utf8')
  }, new Progress(undefined), signal)
  const quoted = missing.map((name) => /^[a-z_][a-z0-9_$]*$/.test(name) ? name : parts.where.driver.dialect.quoteIdentifier(name))
  const wanted = text.split('\n').filter((line) => quoted.some((name) =>
    line === `CREATE ROLE ${name};` || line.startsWith(`ALTER ROLE ${name} `) || new RegExp(`^GRANT .* TO ${escaped(name)}( |;)`).test(line)))
  await inPrivateFolder(async (folder) => {
    const { maintenance } = parts.tools.databases
    const login = await loginFor(parts, session, maintenance, folder)
    const tool = await toolFor(parts, 'script', session.server.versionNumber)
    // memberships in roles that are not here are no reason to have none of the others
    const args = [...login.args, ...parts.tools.script({ database: maintenance, tolerant: true })]
    await runProgram({ file: tool.file, args, env: login.env }, { signal, input: `${wanted.join('\n')}\n` })
  })
}

const escaped = (name: string): string => name.replace(/[\\^$.*|?+()[\]{}]/g, '\\$&')
