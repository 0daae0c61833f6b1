import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../../../src/cli/commands.js'
import { capture } from './capture.js'

/** What bash offers for the last of these words, with the script loaded. */
async function offered(...words: readonly string[]): Promise<string[]> {
  const { out } = await capture(['completion', 'bash'])
  const script = `${out}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sluice; printf '%s\\n' "\${COMPREPLY[@]}"`
  return execFileSync('bash', ['-c', script, 'bash', 'sluice', ...words], { encoding: 'utf8' }).split('\n').filter((word) => word !== '')
}

describe('sluice completion', () => {
  it('in bash: commands, then actions and options, then options', async () => {
    expect(await offered('')).toEqual([...COMMANDS.map(({ name }) => name), 'completion', 'help', '--help', '--version'])
    expect(await offered('migrate', 're')).toEqual(['resolve', 'repair'])
    expect(await offered('migrate', 'up', '--dry')).toEqual(['--dry-run'])
    expect(await offered('backup', 'cl')).toEqual(['cleanup'])
    expect(await offered('completion', 'z')).toEqual(['zsh'])
  })

  it.each(['zsh', 'fish'])('for %s names every command, action and option', async (shell) => {
    const { exitCode, out } = await capture(['completion', shell])
    for (const { name, options } of COMMANDS) {
      expect(out).toContain(name)
      for (const [flag] of options) expect(out).toContain(flag.split(' ')[0]!.replace(/^--/, ''))
    }
    for (const action of ['baseline', 'lint', 'cleanup']) expect(out).toContain(action)
    expect(exitCode).toBe(0)
  })

  it('refuses other shells', async () => {
    expect(await capture(['completion', 'tcsh'])).toMatchObject({ exitCode: 2, err: expect.stringContaining("expected bash, zsh or fish, got 'tcsh'") as string })
    expect(await capture(['completion'])).toMatchObject({ exitCode: 2 })
  })
})
