import type { Driver } from '../../../src/core/driver.js'
import { Database, registerDriver, type DatabaseOptions } from '../../../src/index.js'
import type { Random } from '../../chaos/random.js'
import { History, SimulatedServer } from './server.js'

/** A primary and two replicas, none of them real. */
export class SimulatedWorld {
  readonly history = new History()
  readonly servers: readonly SimulatedServer[]
  #timeline = 1

  constructor(random: Random) {
    this.servers = ['a', 'b', 'c'].map((host, index) => new SimulatedServer(host, index === 0 ? 'primary' : 'replica', this.history, random))
    const [{ fake }] = this.servers as [SimulatedServer]
    const driver: Driver = {
      dialect: fake.driver.dialect,
      connect: ({ target: { hosts } }, signal) => {
        const server = this.servers.find(({ host }) => host === hosts[0]?.host)
        if (!server) throw new Error(`no such server: ${String(hosts[0]?.host)}`)
        return server.fake.connect(signal)
      },
    }
    registerDriver('simulated', driver)
  }

  get primary(): SimulatedServer { return this.servers.find(({ role }) => role === 'primary')! }
  get replicas(): readonly SimulatedServer[] { return this.servers.filter(({ role }) => role === 'replica') }

  open(options: DatabaseOptions): Promise<Database> {
    const [primary, ...replicas] = this.servers.map(({ host }) => ({ name: host, url: `simulated://user@${host}:1/db` }))
    return Database.open({ primary, replicas, ...options })
  }

  /** One that is there becomes the primary; whoever was it is told when it is back: {@link SimulatedWorld.rejoin}. */
  promote(successor: SimulatedServer): void {
    successor.promote(++this.#timeline)
    for (const server of this.servers) if (server !== successor && server.alive) server.timeline = this.#timeline
  }

  rejoin(former: SimulatedServer): void {
    former.demote(this.#timeline)
  }

  forget(): void {
    this.history.forgetBefore(performance.now() - 120_000)
    for (const server of this.servers) server.forget()
  }
}
