// Express 4 beside Express 5: the tests use what both have.
declare module 'express4' {
  import type { Express } from 'express'
  export default function express(): Express
}
