import { activity } from './types/activity.ts'
import { body } from './types/body.ts'
import { breathing } from './types/breathing.ts'
import type { DataType } from './types/data-type.ts'
import { sleep } from './types/sleep.ts'
import { surroundings } from './types/surroundings.ts'
import { vitalSigns } from './types/vital-signs.ts'

/** Every type that is understood, by name. */
export const dataTypeTable: readonly DataType[] = [
  ...vitalSigns,
  ...body,
  ...breathing,
  ...activity,
  ...sleep,
  ...surroundings,
].sort((a, b) => (a.name < b.name ? -1 : 1))
