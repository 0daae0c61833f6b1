/** How many transactions a set names: `uuid:1-77:90,uuid2:1-5` is 83. */
export function countOfSet(set: string): bigint {
  let count = 0n
  for (const [, first = '0', last = first] of set.matchAll(/:(\d+)(?:-(\d+))?/g)) count += BigInt(last) - BigInt(first) + 1n
  return count
}

/** Sum of the sequence numbers of a MariaDB position: `0-1-77,1-2-5` is 82. */
export function countOfPosition(position: string): bigint {
  return position.split(',').reduce((sum, gtid) => sum + BigInt(gtid.trim().split('-')[2] ?? 0), 0n)
}
