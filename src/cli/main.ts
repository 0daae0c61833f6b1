#!/usr/bin/env node
import { makeOutput } from './output.js'
import { run } from './run.js'

// A reader that has gone (`sluice … | head`) wants nothing more: the work is ended in order, as if it were interrupted.
let gone = false
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  if (!gone) process.kill(process.pid, 'SIGTERM')
  gone = true
})

void run(process.argv.slice(2), makeOutput(process.stdout, process.stderr, process.env)).then((exitCode) => {
  process.exitCode = exitCode
})
