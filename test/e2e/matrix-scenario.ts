import { expect } from 'vitest'
import { z } from 'zod'
import type { Connection } from './clients.ts'
import type { Setting } from './matrix-setting.ts'
import type { RequirementId } from './requirements.ts'

/** What a client does, what has to come back, and which requirements that shows. */
export interface MatrixScenario {
  readonly title: string
  readonly verifies: readonly RequirementId[]
  /** Where it can be played; by default everywhere. */
  readonly on?: (connection: Connection) => boolean
  play(setting: Setting): Promise<void>
}

const rpcError = z.looseObject({ code: z.union([z.number(), z.string()]), message: z.string() })

/** What a request was refused with, as the SDK throws it. */
export async function refusalOf(asking: Promise<unknown>) {
  const thrown = await asking.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(thrown).toBeInstanceOf(Error)
  return rpcError.parse(thrown)
}
