// Shows the snapshots that the server sends once a second. No value becomes markup: everything goes in as text.
(() => {
  const KEPT = 300
  const byId = (id) => document.getElementById(id)
  const series = { at: [], reads: [], writes: [], p50: [], p99: [] }
  let last

  const element = (name, text, attributes = {}) => {
    const made = document.createElement(name)
    if (text !== undefined) made.textContent = text
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
    return made
  }
  const count = (value) => value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 1 : 0 })
  const ms = (value) => value === undefined || value === null ? 'unknown' : value >= 10_000 ? `${count(value / 1_000)} s` : `${count(value)} ms`
  const bytes = (value) => value >= 1_048_576 ? `${count(value / 1_048_576)} MiB` : value >= 1_024 ? `${count(value / 1_024)} KiB` : `${value} B`
  const mood = (state) => state === 'up' ? 'good' : state === 'down' ? 'bad' : 'warn'

  function rate(now, before, seconds, field) {
    return before === undefined || seconds <= 0 ? 0 : Math.max(0, (now[field] - before[field]) / seconds)
  }

  function showState({ healthy }) {
    const state = byId('state')
    state.className = healthy ? 'good' : 'bad'
    state.firstElementChild.className = `dot ${healthy ? 'good' : 'bad'}`
    byId('state-text').textContent = healthy ? 'healthy' : 'unhealthy'
  }

  function showNow(snapshot, reads, writes) {
    const { totals, latency } = snapshot
    const facts = [
      ['Reads on replicas/s', count(reads)], ['On the primary/s', count(writes)], ['p50', ms(latency.p50)], ['p99', ms(latency.p99)],
      ['Errors', count(totals.errors)], ['Slow', count(totals.slowQueries)], ...snapshot.facts,
    ]
    byId('now').replaceChildren(...facts.map(([name, value]) => {
      const pair = element('div')
      pair.append(element('dt', name), element('dd', value))
      return pair
    }))
  }

  function showNodes(snapshot, seconds) {
    const body = byId('nodes').tBodies[0]
    body.replaceChildren(...snapshot.nodes.map((node) => {
      const before = last?.nodes.find(({ name }) => name === node.name)
      const row = element('tr')
      const cell = (name, text, kind) => {
        const made = element('td', text, { 'data-name': name, ...kind ? { class: kind } : {} })
        row.append(made)
        return made
      }
      cell('Node', node.name)
      cell('Role', node.role)
      const state = cell('State', undefined, mood(node.state))
      const words = element('span')
      words.append(element('span', undefined, { class: 'dot', 'aria-hidden': 'true' }), ` ${node.state}${node.lagging ? ', lagging' : ''}`)
      state.append(words)
      const lag = node.role === 'primary' || node.state === 'down' ? '–' : node.lagBytes > 0 ? `${ms(node.lagMs)}, ${bytes(node.lagBytes)}` : ms(node.lagMs)
      cell('Lag', lag, 'number')
      const used = cell('Connections in use', undefined)
      const pair = element('span')
      pair.append(element('meter', `${node.inUse} of ${node.max}`, { min: 0, max: node.max, value: node.inUse, high: node.max * 0.8, 'aria-label': 'in use' }),
        ` ${node.inUse} of ${node.max}, ${node.idle} idle`)
      used.append(pair)
      cell('Waiting', count(node.waiting), 'number')
      cell('Statements/s', count(rate(node, before, seconds, 'queries')), 'number')
      cell('Response', ms(node.responseMs), 'number')
      return row
    }))
    byId('troubles').replaceChildren(...snapshot.nodes.filter(({ lastError, state }) => lastError && state !== 'up')
      .map(({ name, lastError }) => element('p', lastError.startsWith(name) ? lastError : `${name}: ${lastError}`, { class: 'trouble' })))
  }

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

  function chart(id, lines) {
    const holder = byId(id)
    const axis = { stroke: () => colour('--quiet'), grid: { stroke: () => colour('--line'), width: 1 }, ticks: { show: false } }
    const made = new uPlot({
      width: holder.clientWidth, height: 200, cursor: { y: false }, legend: { live: true },
      scales: { x: { time: true }, y: { range: (_chart, _min, max) => [0, Math.max(1, max * 1.1)] } },
      axes: [axis, { ...axis, size: 58 }],
      series: [{}, ...lines.map(([label, name]) => ({ label, stroke: () => colour(name), width: 2, points: { show: false } }))],
    }, [[], ...lines.map(() => [])], holder)
    window.addEventListener('resize', () => { made.setSize({ width: holder.clientWidth, height: 200 }) })
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { made.redraw() })
    return made
  }
  const load = chart('load', [['on replicas', '--read'], ['on the primary', '--write']])
  const latency = chart('latency', [['p50', '--read'], ['p99', '--write']])

  function push(snapshot, reads, writes) {
    const point = { at: snapshot.at / 1_000, reads, writes, p50: snapshot.latency.p50, p99: snapshot.latency.p99 }
    for (const [name, value] of Object.entries(point)) {
      series[name].push(value)
      if (series[name].length > KEPT) series[name].shift()
    }
    load.setData([series.at, series.reads, series.writes])
    latency.setData([series.at, series.p50, series.p99])
  }

  function show(snapshot) {
    const seconds = last === undefined ? 0 : (snapshot.at - last.at) / 1_000
    const reads = rate(snapshot.totals, last?.totals, seconds, 'replicaQueries')
    const writes = rate(snapshot.totals, last?.totals, seconds, 'primaryQueries')
    showState(snapshot)
    showNow(snapshot, reads, writes)
    showNodes(snapshot, seconds)
    if (seconds > 0) push(snapshot, reads, writes)
    byId('engine').textContent = snapshot.engine
    byId('at').textContent = `As of ${new Date(snapshot.at).toLocaleTimeString()}.`
    last = snapshot
  }

  const events = new EventSource('events')
  events.onmessage = ({ data }) => { show(JSON.parse(data)) }
  events.onerror = () => {
    byId('state').className = 'warn'
    byId('state').firstElementChild.className = 'dot warn'
    byId('state-text').textContent = 'no answer from the service; trying again'
  }
})()
