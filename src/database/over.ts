/**
 * Options over defaults. One that is given as `undefined` counts as not given, so that handing a caller's own optional
 * options through loses no default.
 */
export function over<Defaults extends object, Options extends object>(defaults: Defaults, options: Options): Defaults & Options {
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  return Object.assign({ ...defaults }, Object.fromEntries(given)) as Defaults & Options
}
