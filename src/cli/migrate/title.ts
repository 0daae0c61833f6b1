/** A migration as people call it: `12_add_email`, `shop:12_add_email`, `R__views`. */
export function title({ service = 'default', version, name = '' }: {
  readonly service?: string | undefined; readonly version?: number | undefined; readonly name?: string | undefined
}): string {
  const own = version === 0 ? `R__${name}` : `${String(version ?? '')}_${name}`
  return service === 'default' ? own : `${service}:${own}`
}
