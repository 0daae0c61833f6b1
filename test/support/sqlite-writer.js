// Adds 1 to the counter again and again in a process of its own, with eight readers beside it; `die` ends it by SIGKILL in the middle of a transaction.
import { Database } from '../../dist/index.js'

const [file, times, lastly] = process.argv.slice(2)
const db = await Database.open({ primary: `sqlite:${file}`, pool: { max: 8 } })
for (let turn = 0; turn < Number(times); turn++) {
  await Promise.all([
    db.execute('update counter set value = value + 1'),
    ...Array.from({ length: 8 }, () => db.query('select value from counter')),
  ])
}
if (lastly === 'die') {
  await db.transaction(async (tx) => {
    await tx.execute('update counter set value = value + 1000')
    process.kill(process.pid, 'SIGKILL')
  })
}
await db.close()
