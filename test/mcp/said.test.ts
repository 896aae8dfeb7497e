import { describe, expect, it } from 'vitest'
import { createTouched } from '../../src/audit/touched.ts'
import { saidInAnswer } from '../../src/mcp/said.ts'
import type { Answer } from '../../src/results/answer.ts'

const data = Buffer.from('picture').toString('base64')
const image = { type: 'image', mimeType: 'image/png', data: `AAAA/7/${data}` }
const structured = {
  resourceType: 'Parameters',
  parameter: [{ name: 'patient', valueReference: { reference: 'Patient/40006' } }],
}
const patientsIn = (answer: Answer) => {
  const touched = createTouched()
  touched.knows((id) => ['7', '8', '40006'].includes(id))
  return [...touched.patientsIn(saidInAnswer(answer))]
}

describe('what an answer said', () => {
  it('is no id in the letters of a picture', () => {
    expect(patientsIn({ structured, text: 'x', content: [image] })).toEqual(['40006'])
    expect(patientsIn({ text: 'Patient 8', content: [image] })).toEqual(['8'])
    expect(patientsIn({ content: [{ ...image, type: 'audio' }] })).toEqual([])
  })

  it('is every other word of the content', () => {
    expect(patientsIn({ structured, content: [{ type: 'text', text: 'and of 7.' }] })).toEqual(['40006', '7'])
  })

  it('has the size of the picture', () => {
    expect(saidInAnswer({ structured, text: 'x', content: [image] }).wording?.length).toBeGreaterThan(
      image.data.length,
    )
  })
})
