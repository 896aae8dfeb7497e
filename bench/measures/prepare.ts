import { z } from 'zod'
import { type Call, mcpCall } from '../frame/caller.ts'
import { assertSameBytes, sendOnce } from '../frame/compare.ts'
import type { HttpChild } from '../servers/site.ts'

/**
 * Makes the reference answer a call as ours does: by the SDK's low-level server and by a plain route. Throws unless both answer
 * the same bytes.
 */
export async function referenceFor(
  ours: Call,
  reference: HttpChild,
  name: string,
): Promise<{ readonly sdk: Call; readonly bare: Call }> {
  const body = (await sendOnce(ours)).toString('utf8')
  await reference.ask('prepare', z.null(), { name, body })
  const on = (path: string): Call => ({ ...ours, origin: reference.facts.origin, path: `/${path}/${name}` })
  const [sdk, bare] = [on('sdk'), on('bare')]
  for (const call of [sdk, bare]) {
    const [there, here] = [(await sendOnce(call)).toString('utf8'), body]
    if (there !== here) throw new Error(`${call.path} does not answer as ours:\n${there}\n${here}`)
  }
  return { sdk, bare }
}

/** The same for an answer that never changes: ours is asked again as well. */
export async function constantReferenceFor(ours: Call, reference: HttpChild, name: string) {
  const made = await referenceFor(ours, reference, name)
  await assertSameBytes(ours, made.sdk)
  return made
}

/** A call to the gateway of ours. */
export function ourCall({ facts }: HttpChild, token: string, body: string): Call {
  return mcpCall(facts.origin, token, body)
}
