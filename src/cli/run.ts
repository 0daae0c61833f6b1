import { parseArguments } from './args.js'
import { completionScript } from './completion.js'
import { errorLines, EXIT, UsageError } from './exit.js'
import { commandHelp, helpText } from './help.js'
import { Interrupted } from './interrupt.js'
import { print, printError, type Output } from './output.js'
import { packageVersion } from '../config/version.js'

/**
 * Runs one command line; resolves with the exit code and never rejects. Errors go to `output.err` as sentences.
 *
 * @param argv - without the program and the script
 */
export async function run(argv: readonly string[], output: Output): Promise<number> {
  try {
    return await perform(argv, output)
  } catch (thrown) {
    if (thrown instanceof Interrupted) return thrown.exitCode
    printError(output, errorLines(thrown))
    return thrown instanceof UsageError ? EXIT.usage : EXIT.failed
  }
}

async function perform(argv: readonly string[], output: Output): Promise<number> {
  const request = await parseArguments(argv)
  switch (request.kind) {
    case 'version':
      print(output.out, packageVersion())
      return EXIT.ok
    case 'help':
      print(output.out, ...request.command ? commandHelp(request.command, output.style) : helpText(output.style, packageVersion()))
      return EXIT.ok
    case 'completion':
      print(output.out, await completionScript(request.shell))
      return EXIT.ok
    case 'command': {
      const runCommand = await request.command.load()
      return runCommand(request.invocation, output)
    }
  }
}
