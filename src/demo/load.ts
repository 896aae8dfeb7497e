import { parseArgs } from 'node:util'
import { load } from './loading.ts'

const usage = `Puts the synthetic cohort into a FHIR server, R4 or R5, that holds nothing real.

  npm run load -- --base URL`

const { values } = parseArgs({ options: { base: { type: 'string' } } })
if (values.base === undefined) {
  process.stderr.write(`${usage}\n`)
  process.exitCode = 2
} else {
  const count = await load(values.base.replace(/\/$/, ''))
  process.stdout.write(`${count} resources of the synthetic cohort are there.\n`)
}
