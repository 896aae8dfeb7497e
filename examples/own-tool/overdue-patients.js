// @ts-check
import { defineTool, FhirMcpError } from 'fastify-fhir-mcp'
import { z } from 'zod'

const most = 200

/** Patients of an organization who have sent nothing for some days. The call is decided on the organization. */
export const listOverduePatients = defineTool({
  name: 'list_overdue_patients',
  title: 'Patients without recent readings',
  description: 'Patients of an organization who have no observation within the last days.',
  input: z.strictObject({
    organization_id: z.string().describe('FHIR id of an organization within reach'),
    days: z.int().min(1).max(366).default(7).describe('How many days without a reading'),
  }),
  output: 'object',
  rule: { needs: [{ types: ['Observation'] }], patients: true },
  subject: ({ organization_id }) => ({ kind: 'organization', organization: organization_id }),
  async run({ days }, { exchange, grant, target, roster, now, progress, signal }) {
    if (target.kind !== 'organization') throw new TypeError('decided on an organization')
    const { organization } = target
    const members = await roster({ kind: 'organization', id: organization })
    if (members.size > most) {
      const detail = `Organization/${organization} has more than ${most} patients: too many for this tool.`
      throw new FhirMcpError('INVALID_ARGUMENT', { detail })
    }
    const from = new Date(now() - days * 86_400_000).toISOString()
    /** @type {string[]} */
    const overdue = []
    let done = 0
    for (const { patient } of members.patients()) {
      signal.throwIfAborted()
      const { count } = await exchange.countPatientObservations(grant, patient, { from })
      if (count === 0) overdue.push(patient)
      done += 1
      progress(done, members.size, 'patients looked at')
    }
    const found = `${overdue.length} of ${members.size} patients of Organization/${organization}`
    return {
      structured: { organization, since: from, patients: members.size, overdue },
      text: [`${found} have no observation since ${from}.`, ...overdue.map((id) => `- Patient/${id}`)].join(
        '\n',
      ),
    }
  },
})
