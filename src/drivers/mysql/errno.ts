import type { ErrorKind } from '../../core/error-facts.js'

/**
 * Error numbers with one meaning, of MySQL and MariaDB together: both keep to the same numbers below 1900
 * (https://dev.mysql.com/doc/mysql-errors/en/server-error-reference.html, https://mariadb.com/kb/en/mariadb-error-codes/).
 */
const KINDS: Readonly<Record<number, ErrorKind>> = {
  ...all('unique', [1062, 1169, 1586, 1859]),
  ...all('foreign-key', [1216, 1217, 1451, 1452, 1761, 1762]),
  ...all('not-null', [1048, 1263, 1364, 1566]),
  ...all('check', [1369, 3819, 4025]),
  ...all('deadlock', [1213, 1614]),
  // 1020: MariaDB's snapshot isolation; 3101: another member of the group changed the row first
  ...all('serialization', [1020, 3101]),
  ...all('lock-timeout', [1205, 1689, 3058, 3572]),
  ...all('cancelled', [1317, 1969, 3024]),
  ...all('read-only', [1792, 1836]),
  ...all('syntax', [1064, 1065, 1149]),
  ...all('unknown-object', [1049, 1051, 1054, 1072, 1091, 1109, 1146, 1176, 1305, 1327, 1347, 1360, 1539, 1630, 4091]),
  ...all('duplicate-object', [1007, 1050, 1060, 1061, 1304, 1359, 1537]),
  ...all('permission', [1044, 1095, 1142, 1143, 1227, 1370, 1410, 1419]),
  ...all('data', [1153, 1264, 1265, 1292, 1301, 1365, 1366, 1367, 1406, 1411, 1416, 1525, 1582, 1690, 1918, 3140, 3141, 3156, 4038]),
  ...all('authentication', [1045, 1130, 1251, 1275, 1524, 1698, 1820, 1862, 3118, 3955, 4151]),
  ...all('too-many-connections', [1040, 1203, 1226]),
  // 1047: a Galera node without its cluster
  ...all('starting', [1047]),
  ...all('shutting-down', [1053, 1077, 1079]),
  ...all('lost', [1080, 1152, 1158, 1159, 1160, 1161, 1184, 1927, 2006, 2013, 4031]),
  ...all('refused', [1129]),
  ...all('tls', [3159]),
  ...all('stale-plan', [1615]),
  ...all('unknown-statement', [1243]),
}

function all(kind: ErrorKind, numbers: readonly number[]): Record<number, ErrorKind> {
  return Object.fromEntries(numbers.map((number) => [number, kind]))
}

/** What a server's error is. `login`: it came while logging in, where the same number may mean something else. */
export function kindOfNumber(errno: number, sqlState: string, message: string, login: boolean): ErrorKind {
  if (login && errno === 1049) return 'unknown-database'
  // the user may not see the database, found out while logging in: waiting does not mend it
  if (login && errno === 1044) return 'authentication'
  // --read-only, --super-read-only, and other options the server runs with
  if (errno === 1290) return /read[-_]only/i.test(message) ? 'read-only' : 'other'
  const kind = KINDS[errno]
  if (kind !== undefined) return kind
  return sqlState.startsWith('22') ? 'data' : 'other'
}

/** Limits of the server that time may lift: out of memory, out of threads, a group without its majority. */
export const SHORT_OF_RESOURCES: ReadonlySet<number> = new Set([1037, 1038, 1041, 1135, 1637, 3100])

/** The message names tables, columns, users, never values. Every other message loses what stands in quotes. */
export const NAMES_ONLY: ReadonlySet<number> = new Set([
  1007, 1008, 1044, 1045, 1048, 1049, 1050, 1051, 1054, 1060, 1061, 1072, 1091, 1109, 1130, 1142, 1143, 1146, 1176, 1203, 1205,
  1213, 1226, 1227, 1251, 1290, 1304, 1305, 1317, 1327, 1359, 1360, 1364, 1370, 1451, 1452, 1524, 1537, 1539, 1630, 1698, 1792,
  1836, 3159, 3819, 4025, 4091,
])
