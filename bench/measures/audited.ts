import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toolCall } from '../frame/caller.ts'
import { compareCalls } from '../frame/compare.ts'
import type { Measure } from '../frame/measure.ts'
import { ourCall } from './prepare.ts'

/** What it costs to keep a record of each call. */
export const audited: Measure = {
  name: 'audited',
  title: 'Denied call with its record kept in a file, as is the default',
  against: 'the same call, no record kept',
  target: undefined,
  async run(stage) {
    const site = await stage.site('hapi')
    const folder = await mkdtemp(join(tmpdir(), 'bench-audit-'))
    const path = join(folder, 'audit.ndjson')
    const gateway = await site.audited(path)
    const token = await stage.token([site.subjects.study])
    const body = toolCall('get_study_metadata', { study_id: site.subjects.otherStudy })
    const compared = await compareCalls(
      stage.rounds,
      100,
      { call: ourCall(gateway, token, body), child: gateway },
      { call: ourCall(site.gateway, token, body), child: site.gateway },
    )
    await gateway.stop()
    const records = await readFile(path, 'utf8').catch(() => '')
    await rm(folder, { recursive: true })
    return {
      unit: 'ms',
      rounds: compared.rounds,
      figures: [
        { name: 'records kept', value: records.split('\n').length - 1, unit: '' },
        ...compared.figures,
      ],
    }
  },
}
