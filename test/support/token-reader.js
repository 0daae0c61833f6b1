// Reads in a process of its own, as a service does that was handed a causal token in a header or a job. Its only argument is the
// options of its database as JSON; every message { token, text } is answered by { n, node }, or { failure }.
import { Database } from '../../dist/index.js'

const db = await Database.open(JSON.parse(process.argv[2]))

async function answer({ token, text }) {
  try {
    const { rows, node } = await db.session(() => db.query(text), { token })
    return { n: Number(rows[0].n), node }
  } catch (error) {
    return { failure: error.message }
  }
}

process.on('message', async (message) => { process.send(await answer(message)) })
process.on('disconnect', () => { void db.close({ drainMs: 0 }) })
process.send({ ready: true })
