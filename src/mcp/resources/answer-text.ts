import type { Answer } from '../../results/answer.ts'
import type { ResourceText } from '../registry.ts'

/** What a tool answers, as the JSON text of a resource. */
export function jsonOf(answer: Answer): ResourceText {
  return { text: JSON.stringify(answer.structured) }
}
