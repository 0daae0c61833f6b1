// Has a PGlite folder open in a process of its own, with a row more in it, until it is killed.
import { setInterval } from 'node:timers'
import { Database } from '../../dist/index.js'

const db = await Database.open(`pglite:${process.argv[2]}`)
await db.execute('create table if not exists note (text text)')
await db.execute("insert into note values ('kept')")
process.stdout.write('open\n')
setInterval(() => {}, 60_000)
