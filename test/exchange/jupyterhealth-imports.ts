import { onTestFinished } from 'vitest'
import { type CompartmentType, compartmentTypes } from '../../src/fhir/compartment.ts'
import {
  type JupyterHealthCohort,
  type JupyterHealthImport,
  startExchange,
  type TestExchange,
} from '../../src/test-kit/index.ts'
import { callOf } from './loopback.ts'
import { openerOf } from './opened.ts'

/** A record that was imported of patient 40007, whom the other server calls `ePt1`. */
export function imported(
  n: number,
  type: string,
  body: Record<string, unknown>,
  rest: Partial<JupyterHealthImport> = {},
): JupyterHealthImport {
  const id = `0c9d8e7f-1111-4222-8333-${String(n).padStart(12, '0')}`
  return {
    id,
    source: 7,
    patient: 40007,
    type,
    body: { subject: { reference: 'Patient/ePt1' }, ...body },
    ...rest,
  }
}

/** The id of the n-th one. */
export const idOf = (n: number) => imported(n, '', {}).id

/** An exchange with these imports, and a way to ask it as one of its users; it ends with the test. */
export async function startWithImports(imports: readonly JupyterHealthImport[]): Promise<{
  server: TestExchange<JupyterHealthCohort>
  as(name: string): ReturnType<ReturnType<typeof openerOf>['open']>
}> {
  const server = await startExchange({ dialect: 'jupyterhealth' })
  onTestFinished(() => server.close())
  server.cohort.imports.push(...imports)
  const types: CompartmentType[] = [...compartmentTypes]
  const opener = openerOf(server.url, { fhir: { dialect: 'jupyterhealth', types } })
  return {
    server,
    as: (name) =>
      opener.open(callOf(`Bearer ${server.cohort.users.find((one) => one.name === name)?.token}`)),
  }
}
