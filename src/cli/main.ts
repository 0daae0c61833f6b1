#!/usr/bin/env node
import { makeOutput } from './output.js'
import { run } from './run.js'

// A reader that has gone (`sluice … | head`, a closed terminal) wants nothing more: the work is ended in order.
let gone = false
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error
    if (!gone) process.kill(process.pid, 'SIGTERM')
    gone = true
  })
}

void run(process.argv.slice(2), makeOutput(process.stdout, process.stderr, process.env)).then((exitCode) => {
  process.exitCode = exitCode
})
