import type { Answer } from '../../results/answer.ts'
import { exactJson } from '../exact-numbers.ts'
import type { ResourceText } from '../registry.ts'

/** What a tool answers, as the JSON text of a resource. */
export function jsonOf(answer: Answer): ResourceText {
  return { text: exactJson(answer.structured) }
}
