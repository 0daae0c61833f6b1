#!/usr/bin/env node
import { makeOutput } from './output.js'
import { run } from './run.js'

// A reader that has gone (`sluice … | head`) wants nothing more: that is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

void run(process.argv.slice(2), makeOutput(process.stdout, process.stderr, process.env)).then((exitCode) => {
  process.exitCode = exitCode
})
