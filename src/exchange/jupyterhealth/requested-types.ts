import { z } from 'zod'
import type { Grant } from '../../access/grant.ts'
import type { RequestedType } from '../../access/restrictions.ts'
import { fhirMcpError } from '../../errors.ts'
import type { Asking } from '../asking.ts'
import { leak, rejected, rosterTarget } from '../check.ts'
import { exchangeId } from './ids.ts'

const word = z.string().trim().min(1)
const rowsSchema = z.array(
  z.looseObject({
    study: z.looseObject({ id: z.number().int() }),
    scopeCode: z.looseObject({ codingSystem: word, codingCode: word, text: z.string().nullish() }),
  }),
)

/**
 * The types of data that the study of a grant requested: which of its patients' observations the exchange gives as the study's.
 * Nothing else of a row is used, which also names the study's patients. Throws EXCHANGE_REJECTED for a row that cannot be read,
 * since half a list would be taken for all of it, and EXCHANGE_LEAK for one of another study.
 */
export async function requestedTypesOf(asking: Asking, grant: Grant): Promise<readonly RequestedType[]> {
  const { kind, id } = rosterTarget(grant)
  if (kind !== 'study') throw fhirMcpError('FORBIDDEN')
  const rows = rowsSchema.safeParse(await asking.api(`studies/${exchangeId(id)}/scope_requests`))
  if (!rows.success) throw rejected('Its list of the types that a study requested cannot be read.')
  return rows.data.map(({ study, scopeCode }) => {
    if (String(study.id) !== id) throw leak()
    const { codingSystem: system, codingCode: code, text } = scopeCode
    return { system, code, ...(text ? { display: text } : {}) }
  })
}
