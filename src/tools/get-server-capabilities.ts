import { z } from 'zod'
import { cursorSeconds } from '../results/cursor.ts'
import { oneLine } from '../results/line.ts'
import { quoted } from '../results/quoted.ts'
import { pageLimits } from './arguments/paging.ts'
import { defineTool } from './tool.ts'

const input = z.strictObject({})

/** The types that tools read; a server may answer a hundred more, which would fill the answer for nothing. */
const types = ['ResearchStudy', 'ResearchSubject', 'Group', 'Patient', 'Observation']

/** What the exchange is and can be asked, and the limits of the tools. */
export const getServerCapabilities = defineTool({
  name: 'get_server_capabilities',
  title: 'Server capabilities',
  description:
    'What the FHIR server is (software, release), which searches it answers, and the limits of the tools.',
  input,
  output: 'object',
  rule: { needs: [], patients: false },
  subject: () => ({ kind: 'reach' }),
  async run(_, { exchange, grant, settings, byteBudget }) {
    const { software, fhirVersion, dialect, asOf, ...known } = await exchange.capabilities(grant)
    const searches = Object.fromEntries(
      Object.entries(known.searches)
        .filter(([type]) => types.includes(type))
        .map(([type, names]) => [type, namesThatFit(names)] as const),
    )
    const limits = {
      rows: { default: pageLimits.normal, most: pageLimits.largest },
      answerBytes: byteBudget,
      cursorSeconds,
      rosterSeconds: settings.rosterSeconds,
      deadlineMilliseconds: settings.deadline,
    }
    const named = software === undefined ? {} : { software: oneLine(software) }
    const lines = [
      `FHIR ${fhirVersion}, ${software === undefined ? 'software not named' : quoted(software)}, dialect ${dialect}, as of ${asOf}`,
      ...Object.entries(searches).map(([type, parameters]) => `- ${type}: ${parameters.join(', ')}`),
      `Limits: ${limits.rows.default} rows a page (${limits.rows.most} at the most), ${byteBudget} bytes an answer, cursors ${cursorSeconds} s, rosters ${settings.rosterSeconds} s, a call over many requests ${settings.deadline} ms.`,
    ]
    return { structured: { ...named, fhirVersion, dialect, searches, limits, asOf }, text: lines.join('\n') }
  },
})

/** No server has so many searches on a type that they fill an answer; what says so is not worth more room. */
function namesThatFit(names: readonly string[]): string[] {
  return names.filter((name) => name.length <= 64).slice(0, 100)
}
