import { accessScenarios } from './matrix-access.ts'
import { protocolScenarios } from './matrix-protocol.ts'
import type { MatrixScenario } from './matrix-scenario.ts'

/** All that every official client plays, on every connection where it can. */
export const matrixScenarios: readonly MatrixScenario[] = [...protocolScenarios, ...accessScenarios]
