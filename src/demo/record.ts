import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { recordAnew } from './recording.ts'
import { field, paint, say } from './screen.ts'
import { readSituations, writeSituation } from './situation.ts'

const usage = `Records the situations of a fixtures folder anew from a live HAPI server.

  npm run record -- --base URL [--from DIR] [--out DIR] [--token-file FILE]

  --base        FHIR base of the live server
  --from        folder whose requests are sent again (by default fixtures/hapi-r4)
  --out         folder that is written (by default that of --from)
  --token-file  file with an access token for the server; it is sent, and never written`

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      base: { type: 'string' },
      from: { type: 'string', default: 'fixtures/hapi-r4' },
      out: { type: 'string' },
      'token-file': { type: 'string' },
    },
  })
  if (values.base === undefined) {
    say(usage)
    return 2
  }
  const out = values.out ?? values.from
  const file = values['token-file']
  const token = file === undefined ? undefined : (await readFile(file, 'utf8')).trim()
  const situations = await readSituations(values.from)
  const base = values.base.replace(/\/+$/, '')
  let [written, changed, skipped] = [0, 0, 0]
  for await (const [name, result] of recordAnew({
    situations,
    base,
    ...(token === undefined ? {} : { token }),
  })) {
    if (result.kind === 'skipped') {
      skipped += 1
      field('skipped', `${name}: ${result.why}`)
      continue
    }
    await writeSituation(out, name, result.situation)
    written += 1
    const [before, now] = [situations.get(name)?.response.status, result.situation.response.status]
    if (before === now) continue
    changed += 1
    field('changed', `${name}: was ${before}, is ${now}`)
  }
  say(
    `${paint('bold', String(written))} recorded into ${out}, ${changed} with another status, ${skipped} skipped`,
  )
  return written > 0 ? 0 : 1
}

try {
  process.exitCode = await main()
} catch (thrown) {
  say(`Nothing was recorded: ${thrown instanceof Error ? thrown.message : String(thrown)}`, usage)
  process.exitCode = 2
}
